#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/products/products.h"
#include "runtime/buffer.h"
#include "training/objective.h"
#include "training/objectives/score_layout.h"
#include "training/objectives/score_products.h"

namespace stillvec::training {

// The scores of one row of the batch at one prefix.
struct ScoreRow {
  std::size_t prefix = 0;           // its place among those of the run
  std::size_t row = 0;              // of the batch
  std::size_t tile_row = 0;         // the same within its tile
  unsigned slot = 0;                // of the thread
  const float* products = nullptr;  // of the texts as they are: layout().width() of them
  float* slopes = nullptr;          // out: d loss / d score, up to the factor of the term
  float* factors = nullptr;         // out: one a term
};

// A loss that is a sum over the rows of a batch, where each row's part is a function of the scores of its texts with
// candidates, and its gradient, at every Matryoshka prefix at once.
//
// The products of prefix p are those of prefix p - 1 plus those of one column block; norms only rescale their rows and
// columns. So all prefixes cost one product of the full width forward. Backward, with U_p the gradient of prefix p's
// products and H_b = U_b + U_(b+1) + ..., block b of the rows gets H_b K_b and block b of the candidates gets
// transposed(H_b) R_b; what a cosine or a distance gives along a text itself is a factor of the text.
//
// No batch x batch matrix is ever whole. Rows are worked off in slabs under a byte budget: first, in parallel over
// tiles of rows, products, slopes, H and the rows' gradient; then, in parallel over panels of candidates, what the slab
// adds to theirs. Each sum has one order, whatever the number of threads.
class ScoreObjective : public Objective {
 public:
  // Scores are of prefixes scaled to length one where the context says so. A text of no length (below 1e-12) stays as
  // it is and gets no gradient then.
  ScoreObjective(Score score, const ObjectiveContext& context);

  double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) override;
  TextGradients gradients() override { return {gradient_.data(), gradient_stride(), columns_.width}; }

 protected:
  // Which texts meet which; called when the shape of a batch is another than that of the one before.
  virtual void lay_out(ScoreLayout& scores) const = 0;

  // Before the rows of a batch.
  virtual void begin(const Batch&) {}

  // The rows of a tile come next, in the thread of `slot`.
  virtual void begin_tile(std::size_t /*first_row*/, unsigned /*slot*/) {}

  // Whether all scores are looked at before any has a slope: begin_observing(), observe() of each row on any thread,
  // then conclude() of each prefix.
  virtual bool observes() const { return false; }
  virtual void begin_observing() {}
  virtual void observe(const ScoreRow&) {}
  virtual void conclude(std::size_t /*prefix*/) {}

  // The row's part of the loss at the prefix, without the prefix's weight, and its slopes. Where the score is
  // kEuclidean, a slope is d loss / d score / score: that of a score of 0 is 0.
  virtual double row_loss(const ScoreRow& row) = 0;

  const ScoreLayout& layout() const { return scores_; }
  std::size_t prefixes() const { return prefixes_.size(); }
  bool is_unit_norm() const { return forward_.is_unit_norm(); }

  // As ScoreProducts says.
  const float* candidate_scale(std::size_t prefix, const ScoreTerm& term) const {
    return forward_.candidate_scale(prefix, term);
  }
  float row_scale(std::size_t prefix, const ScoreTerm& term, std::size_t row) const {
    return forward_.row_scale(prefix, term, row);
  }
  void scores_of(const ScoreRow& row, const ScoreTerm& term, float* out) const {
    forward_.scores_of(row.prefix, row.row, term, row.products, out);
  }

  ThreadPool& pool_;
  const kernels::ProductKernels& products_;

 private:
  struct Scratch {
    Buffer<float> products;      // prefixes x tile rows x score stride: of a prefix, then its block's H
    Buffer<float> slopes;        // score width
    Buffer<float> sums;          // score width: of a row's U over the prefixes so far
    Buffer<std::uint32_t> left;  // H_p of one side as a left operand
    Buffer<float> row_gradient;  // tile rows x padded columns
    Buffer<float> row_sums;      // sides x tile rows x prefixes
    Buffer<float> panel;         // a panel of candidate gradients
    std::vector<float> factors;  // one a term
  };

  struct Slab {
    std::size_t first_row = 0;
    std::size_t rows = 0;
    bool first = false;
  };

  std::size_t gradient_stride() const { return columns_.row_blocks * kernels::kBlockRows; }
  bool is_raw_distance() const { return forward_.score() == Score::kEuclidean && !is_unit_norm(); }
  bool has_along() const { return forward_.score() == Score::kEuclidean || is_unit_norm(); }
  void reserve();
  void observe_rows(const ShallStop& shall_stop);
  void slope_row(const ScoreRow& row, float* products, Scratch& scratch, float* column_sums, float* row_sums,
                 std::size_t row_sum_stride);
  void run_tile(const Slab& slab, std::size_t tile, unsigned slot);
  void run_panel(const Slab& slab, std::size_t panel);
  void finish_panel(std::size_t panel, Scratch& scratch);

  const std::size_t dim_;
  const std::size_t tile_rows_, tile_blocks_;  // rows that go through products, slopes and gradient together

  // Of the current run.
  const float* texts_ = nullptr;
  std::vector<Prefix> prefixes_;
  ColumnLayout columns_;

  ScoreLayout scores_;  // of the current shape

  std::vector<Scratch> scratch_;  // one a thread
  ScoreProducts forward_;
  Buffer<std::uint32_t> slab_;    // right operand: H of a slab, sides x prefixes x panels x k over rows
  Buffer<float> slab_sums_;       // tiles of a slab x prefixes x score width
  Buffer<float> column_sums_;     // prefixes x score width
  Buffer<float> side_gradients_;  // sides x batch x gradient_stride(), where the texts are candidates too
  Buffer<float> gradient_;        // text rows x gradient_stride(); till the end, each panel turned over
  std::vector<double> losses_;    // one a row
};

}  // namespace stillvec::training
