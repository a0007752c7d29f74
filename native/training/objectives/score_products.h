#pragma once

#include <cstddef>

#include "kernels/products/products.h"
#include "runtime/buffer.h"
#include "training/objective.h"
#include "training/objectives/score_layout.h"
#include "training/objectives/score_operands.h"

namespace stillvec::training {

// What a score is: the cosine of two texts, their product, or their Euclidean distance.
enum class Score { kCosine, kDot, kEuclidean };

// The products of a batch's texts, tile by tile of its rows, and the scores that they give, at every Matryoshka prefix.
// Where texts are scaled to length one, products are of the texts as they are, since lengths only rescale their rows
// and columns; a text of no length (below 1e-12) stays as it is.
class ScoreProducts {
 public:
  ScoreProducts(Score score, const ObjectiveContext& context);

  // Begins a run. `scores` and `columns` must outlive it.
  void begin(const Batch& batch, const ScoreLayout& scores, const ColumnLayout& columns);

  // Rows that go through the products together, and how far apart their products stand.
  std::size_t tile_rows() const { return tile_rows_; }
  std::size_t stride() const { return scores_->width() + kSkew; }
  std::size_t tile_size() const { return tile_rows_ * stride(); }

  // Those of the rows from `first_row` on, a tile a prefix: products[(prefix * tile_rows() + r) * stride() + score].
  void multiply_tile(std::size_t first_row, float* products) const;

  // What products are multiplied by to be those of the scaled texts: for a term's candidates (null where all are 1),
  // and for the row.
  const float* candidate_scale(std::size_t prefix, const ScoreTerm& term) const {
    return unit_norm_ ? inverse_norms(prefix) + term.first_text : nullptr;
  }
  float row_scale(std::size_t prefix, const ScoreTerm& term, std::size_t row) const {
    return unit_norm_ ? inverse_norms(prefix)[scores_->sides()[term.side].first_text + row] : 1.0f;
  }

  // The scores of a row with a term's candidates, from its products: `out` has room for term.count.
  void scores_of(std::size_t prefix, std::size_t row, const ScoreTerm& term, const float* products, float* out) const;

  Score score() const { return score_; }
  bool is_unit_norm() const { return unit_norm_; }  // texts are scaled to length one
  const float* inverse_norms(std::size_t prefix) const {
    return inverse_norms_.data() + prefix * scores_->texts().text_rows();
  }
  ScoreOperands& operands() { return operands_; }
  const ScoreOperands& operands() const { return operands_; }

 private:
  // Added to row strides that are else near a multiple of 4 KiB, where the rows of a tile would share one set of L1.
  static constexpr std::size_t kSkew = 16;

  void measure_norms(const float* texts);

  ThreadPool& pool_;
  const Score score_;
  const bool unit_norm_;
  const std::size_t dim_, tile_rows_;
  const ScoreLayout* scores_ = nullptr;
  const ColumnLayout* columns_ = nullptr;
  ScoreOperands operands_;
  Buffer<float> inverse_norms_;  // prefixes x texts
  Buffer<float> squared_norms_;  // prefixes x texts, as scaled; where the score is kEuclidean
};

}  // namespace stillvec::training
