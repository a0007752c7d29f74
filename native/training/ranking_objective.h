#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/products/products.h"
#include "runtime/buffer.h"
#include "training/objective.h"
#include "training/settings.h"

namespace stillvec::training {

enum class Similarity { kCosine, kDot };

// Which side plays the query and which the candidates (Sentence Transformers' `directions`).
enum Direction : unsigned {
  kQueryToDoc = 1u << 0,
  kQueryToQuery = 1u << 1,
  kDocToQuery = 1u << 2,
  kDocToDoc = 1u << 3,
};

enum class Hardness { kNone, kInBatchNegatives, kHardNegatives, kAllNegatives };

// MultipleNegativesRankingLoss: column 0 anchors, column 1 positives, columns 2... hard negatives.
struct RankingLoss {
  float scale = 20.0f;
  Similarity similarity = Similarity::kCosine;
  unsigned directions = kQueryToDoc;
  bool per_direction = false;  // partition_mode: one logsumexp a direction (mean of them), else one over all
  Hardness hardness = Hardness::kNone;
  float hardness_strength = 0.0f;
};

Result<std::unique_ptr<Objective>> make_ranking_objective(const Settings& settings, const ObjectiveContext& context);

// MultipleNegativesRankingLoss over pooled texts, at every Matryoshka prefix at once, and its gradient.
//
// The scores of prefix p are those of prefix p - 1 plus the products of one column block; norms only rescale their rows
// and columns. So all prefixes cost one product of the full width forward. Backward, with U_p the gradient of prefix
// p's products and H_b = U_b + U_(b+1) + ..., block b of the rows gets H_b K_b and block b of the candidates gets
// transposed(H_b) R_b; what cosine takes away along a text itself is a factor of the text.
//
// No batch x batch matrix is ever whole. Rows are worked off in slabs under a byte budget: first, in parallel over
// tiles of rows, products, softmax, H and the rows' gradient; then, in parallel over panels of candidates, what the
// slab adds to theirs. Each sum has one order, whatever the number of threads.
class RankingObjective final : public Objective {
 public:
  // Cosine similarities, and prefixes in any case, are of texts scaled to length one. A text of no length (below 1e-12)
  // scores 0 and gets no gradient.
  RankingObjective(const RankingLoss& loss, const ObjectiveContext& context);

  Status check(const Source& source) const override;
  std::size_t least_rows() const override { return 2; }
  double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) override;
  TextGradients gradients() override { return {gradient_.data(), gradient_stride(), layout_.width}; }

 private:
  // The texts that stand at the rows of the scores (the anchors, or for doc_to_... the positives) and the candidates
  // that they meet.
  struct Side {
    std::size_t first_text = 0;
    std::size_t panel = 0;  // first panel of candidates
    std::size_t panels = 0;
    std::size_t column = 0;         // of its first score in a row of scores
    Buffer<std::uint32_t> rows;     // left operand forward: per block of columns, row blocks x k over the columns
    Buffer<std::uint32_t> columns;  // left operand backward: blocks of 16 columns x k over the batch
    Buffer<float> gradient;         // batch x gradient_stride(), where the texts are candidates too
    bool are_candidates = false;
  };

  // One direction: a run of scores in every row.
  struct Term {
    Direction direction = kQueryToDoc;
    std::size_t side = 0;
    std::size_t first_text = 0;  // of its candidates
    std::size_t count = 0;
    std::size_t column = 0;  // of its first score in a row of scores
  };

  struct Scratch {
    Buffer<float> products;      // prefixes x tile rows x score stride: of a prefix, then its block's H
    Buffer<float> exponentials;  // score width
    Buffer<float> sums;          // score width: of a row's U over the prefixes so far
    Buffer<std::uint32_t> left;  // H_p of one side as a left operand
    Buffer<float> row_gradient;  // tile rows x padded columns
    Buffer<float> row_sums;      // sides x tile rows x prefixes
    Buffer<float> panel;         // a panel of candidate gradients
  };

  struct Slab {
    std::size_t first_row = 0;
    std::size_t rows = 0;
    bool first = false;
    bool last = false;
  };

  std::size_t gradient_stride() const { return layout_.row_blocks * kernels::kBlockRows; }
  void lay_out(const TextLayout& texts);
  void measure_norms();
  void pack();
  void run_tile(const Slab& slab, std::size_t tile, Scratch& scratch);
  void multiply_rows(std::size_t prefix, std::size_t first_row, float* products);
  void soften_row(std::size_t prefix, std::size_t row, float* products, Scratch& scratch, float* column_sums,
                  float* row_sums, std::size_t row_sum_stride);
  template <typename Visit>
  void visit_runs(const Term& term, std::size_t row, Visit&& visit) const;
  void run_panel(const Slab& slab, std::size_t panel);
  void finish_panel(std::size_t panel, Scratch& scratch);
  const float* inverse_norms(std::size_t prefix) const { return inverse_norms_.data() + prefix * text_rows_; }
  std::size_t panel_count(std::size_t panel) const;  // how many candidates a panel has

  ThreadPool& pool_;
  const RankingLoss loss_;
  const bool unit_norm_;
  const std::size_t dim_;
  const kernels::ProductKernels& products_;
  const float logit_bound_;                    // no logit is above it
  const std::size_t tile_rows_, tile_blocks_;  // rows that go through products, softmax and gradient together

  // Of the current run.
  const float* texts_ = nullptr;
  std::vector<Prefix> prefixes_;
  ColumnLayout layout_;

  // Of the current shape.
  TextLayout text_layout_;
  std::size_t batch_ = 0, documents_ = 0, text_rows_ = 0;
  std::size_t document_panels_ = 0, candidate_panels_ = 0;
  std::size_t score_width_ = 0;
  std::size_t score_stride_ = 0;
  std::vector<Side> sides_;
  std::vector<Term> terms_;

  std::vector<Scratch> scratch_;  // one a thread
  Buffer<float> inverse_norms_;   // prefixes x texts
  Buffer<std::uint32_t>
      candidates_forward_;  // right operand: per block of columns, panels of candidates x k over columns
  Buffer<std::uint32_t> candidates_backward_;  // right operand: panels of columns x k over candidates
  Buffer<std::uint32_t> slab_;                 // right operand: H of a slab, sides x prefixes x panels x k over rows
  Buffer<float> slab_sums_;                    // tiles of a slab x prefixes x score width
  Buffer<float> column_sums_;                  // prefixes x score width
  Buffer<float> gradient_;                     // text rows x gradient_stride(); till the end, each panel turned over
  std::vector<double> losses_;                 // one a row
};

}  // namespace stillvec::training
