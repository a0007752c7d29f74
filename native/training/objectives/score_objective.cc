#include "training/objectives/score_objective.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/rows/rows.h"
#include "kernels/softmax/softmax.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {

using kernels::blocks_for;
using kernels::kBlockRows;
using kernels::kBlockSize;
using kernels::kBlockUnits;
using kernels::kPanelBlock;
using kernels::kPanelColumns;

namespace {

// Added to the stride of a tile's gradient, as ScoreProducts does to that of its products.
constexpr std::size_t kSkew = 16;

// The slab of H: as large as the gradient that it is added to, so that it is not added in too many pieces, within
// limits.
constexpr std::size_t kLeastSlabBytes = 32u << 20, kMostSlabBytes = 96u << 20;

}  // namespace

ScoreObjective::ScoreObjective(Score score, const ObjectiveContext& context)
    : pool_(context.pool),
      products_(context.products),
      dim_(context.dim),
      tile_rows_(products_.tile_rows),
      tile_blocks_(products_.tile_rows / kBlockRows),
      scratch_(pool_.size()),
      forward_(score, context) {}

double ScoreObjective::run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) {
  const auto stops = [&] { return shall_stop && shall_stop(); };
  texts_ = batch.texts;
  prefixes_ = prefixes;
  columns_ = lay_out_columns(prefixes, products_.unit);
  if (batch.layout != scores_.texts()) {
    ScoreLayout scores(batch.layout);
    lay_out(scores);
    scores_ = std::move(scores);
    losses_.assign(batch.layout.size, 0.0);
  }
  forward_.begin(batch, scores_, columns_);
  forward_.operands().pack_backward(texts_, dim_);
  reserve();
  begin(batch);

  if (observes()) {
    observe_rows(shall_stop);
    if (stops()) return 0.0;
    for (std::size_t p = 0; p < prefixes_.size(); ++p) conclude(p);
  }

  const std::size_t batch_size = scores_.batch(), panels = scores_.candidate_panels();
  const std::size_t row_bytes = scores_.width() * prefixes_.size() * sizeof(std::uint32_t) / products_.unit;
  const std::size_t slab_bytes =
      std::clamp(scores_.texts().text_rows() * gradient_stride() * sizeof(float), kLeastSlabBytes, kMostSlabBytes);
  const std::size_t tiles = blocks_for(batch_size, tile_rows_);
  const std::size_t most_tiles = std::max<std::size_t>(1, slab_bytes / (row_bytes * tile_rows_));
  const std::size_t slabs = blocks_for(tiles, most_tiles);
  const std::size_t slab_tiles = blocks_for(tiles, slabs);
  slab_.reserve(slab_tiles * tile_rows_ * row_bytes / sizeof(std::uint32_t));
  slab_sums_.reserve(slab_tiles * prefixes_.size() * scores_.width());
  column_sums_.reserve(prefixes_.size() * scores_.width());
  column_sums_.fill_zero(prefixes_.size() * scores_.width());

  for (std::size_t tile = 0; tile < tiles; tile += slab_tiles) {
    Slab slab;
    slab.first_row = tile * tile_rows_;
    slab.rows = std::min(slab_tiles * tile_rows_, batch_size - slab.first_row);
    slab.first = tile == 0;
    const std::size_t count = blocks_for(slab.rows, tile_rows_);
    pool_.parallel_for(count, [&](std::size_t i, unsigned slot) {
      if (!stops()) run_tile(slab, i, slot);
    });
    pool_.parallel_for(panels, [&](std::size_t panel, unsigned) {
      if (!stops()) run_panel(slab, panel);
    });
  }
  if (stops()) return 0.0;
  pool_.parallel_for(panels, [&](std::size_t panel, unsigned slot) { finish_panel(panel, scratch_[slot]); });

  double loss = 0.0;
  for (const double row : losses_) loss += row;
  return loss;
}

void ScoreObjective::reserve() {
  const std::size_t prefixes = prefixes_.size(), width = scores_.width();
  const bool shares_texts = std::ranges::any_of(scores_.sides(), &ScoreSide::are_candidates);
  if (shares_texts) side_gradients_.reserve(scores_.sides().size() * scores_.batch() * gradient_stride());
  for (Scratch& scratch : scratch_) {
    scratch.products.reserve(prefixes * forward_.tile_size());
    scratch.slopes.reserve(width);
    scratch.sums.reserve(width);
    scratch.left.reserve(tile_rows_ * width / products_.unit);
    scratch.row_gradient.reserve(tile_rows_ * (columns_.panels * kPanelColumns + kSkew));
    scratch.row_sums.reserve(scores_.sides().size() * tile_rows_ * prefixes);
    scratch.panel.reserve(columns_.row_blocks * kBlockRows * kPanelColumns);
    scratch.factors.assign(scores_.terms().size(), 0.0f);
  }
  gradient_.reserve(scores_.texts().text_rows() * gradient_stride());
}

void ScoreObjective::observe_rows(const ShallStop& shall_stop) {
  begin_observing();
  pool_.parallel_for(blocks_for(scores_.batch(), tile_rows_), [&](std::size_t tile, unsigned slot) {
    if (shall_stop && shall_stop()) return;
    Scratch& scratch = scratch_[slot];
    const std::size_t first_row = tile * tile_rows_, rows = std::min(tile_rows_, scores_.batch() - first_row);
    forward_.multiply_tile(first_row, scratch.products.data());
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t p = 0; p < prefixes_.size(); ++p) {
        const float* products = scratch.products.data() + p * forward_.tile_size() + r * forward_.stride();
        observe({p, first_row + r, r, slot, products, scratch.slopes.data(), scratch.factors.data()});
      }
    }
  });
}

// The loss of one row at one prefix: adds U to the sums over the longer prefixes, which gives H in place of the
// products, and its part to the sums of U * products by row and by column.
void ScoreObjective::slope_row(const ScoreRow& row, float* products, Scratch& scratch, float* column_sums,
                               float* row_sums, std::size_t row_sum_stride) {
  const kernels::SoftmaxKernels& softmax = kernels::softmax_kernels();
  const float weight = prefixes_[row.prefix].weight;
  losses_[row.row] += static_cast<double>(weight) * row_loss(row);
  for (std::size_t side = 0; side < scores_.sides().size(); ++side) row_sums[side * row_sum_stride] = 0.0f;
  for (std::size_t t = 0; t < scores_.terms().size(); ++t) {
    const ScoreTerm& term = scores_.terms()[t];
    // d distance / d product = -1 / distance. Of texts that are not scaled, what lies along them is their share of U
    // itself, not of U * products.
    const float factor = weight * (forward_.score() == Score::kEuclidean ? -scratch.factors[t] : scratch.factors[t]);
    if (is_raw_distance()) std::fill_n(products + term.column, term.count, 1.0f);
    row_sums[term.side * row_sum_stride] +=
        softmax.gradient(scratch.slopes.data() + term.column, candidate_scale(row.prefix, term),
                         factor * row_scale(row.prefix, term, row.row), term.count, products + term.column,
                         scratch.sums.data() + term.column, column_sums + term.column);
  }
  for (const TextRun& gap : scores_.gaps()) std::fill_n(products + gap.first, gap.count, 0.0f);
}

void ScoreObjective::run_tile(const Slab& slab, std::size_t tile, unsigned slot) {
  Scratch& scratch = scratch_[slot];
  const std::size_t prefixes = prefixes_.size(), score_width = scores_.width();
  const std::size_t first_row = slab.first_row + tile * tile_rows_;
  const std::size_t rows = std::min(tile_rows_, scores_.batch() - first_row);
  const std::size_t tile_size = forward_.tile_size(), score_stride = forward_.stride();
  const std::size_t row_sum_stride = tile_rows_ * prefixes;
  float* column_sums = slab_sums_.data() + tile * prefixes * score_width;
  std::memset(column_sums, 0, prefixes * score_width * sizeof(float));
  for (std::size_t row = first_row; row < first_row + rows; ++row) losses_[row] = 0.0;

  forward_.multiply_tile(first_row, scratch.products.data());
  begin_tile(first_row, slot);
  for (std::size_t r = 0; r < rows; ++r) {
    scratch.sums.fill_zero(score_width);
    for (std::size_t p = prefixes; p-- > 0;) {
      float* products = scratch.products.data() + p * tile_size + r * score_stride;
      slope_row({p, first_row + r, r, slot, products, scratch.slopes.data(), scratch.factors.data()}, products, scratch,
                column_sums + p * score_width, scratch.row_sums.data() + r * prefixes + p, row_sum_stride);
    }
  }

  const std::size_t unit = products_.unit;
  const std::size_t slab_blocks = blocks_for(slab.rows, tile_rows_) * tile_rows_ / (kBlockUnits * unit);
  const std::size_t tile_k = tile * tile_rows_ / (kBlockUnits * unit);
  const ScoreOperands& operands = forward_.operands();
  const std::size_t candidate_blocks = operands.candidate_blocks();
  const std::size_t row_stride = columns_.panels * kPanelColumns + kSkew;
  const kernels::RowKernels& row_kernels = kernels::row_kernels();
  for (std::size_t s = 0; s < scores_.sides().size(); ++s) {
    const ScoreSide& side = scores_.sides()[s];
    const std::size_t width = side.panels * kPanelColumns;
    const std::size_t k_blocks = width / (kBlockUnits * unit);
    const std::size_t first_block = side.panel * kPanelColumns / (kBlockUnits * unit);
    for (std::size_t p = prefixes; p-- > 0;) {
      const float* h = scratch.products.data() + p * tile_size + side.column;
      std::uint32_t* right =
          slab_.data() + (side.column / kPanelColumns * prefixes + p * side.panels) * slab_blocks * kPanelBlock;
      kernels::pack_right_columns(products_, h, score_stride, width, tile_rows_, right + tile_k * kPanelBlock,
                                  slab_blocks * kPanelBlock);
      kernels::pack_left_rows(products_, h, score_stride, tile_rows_, width, scratch.left.data(),
                              k_blocks * kBlockSize);
      const ColumnBlock& block = columns_.blocks[p];
      kernels::multiply_panels(products_, scratch.left.data(), k_blocks * kBlockSize, tile_blocks_,
                               operands.candidate_columns(block.panel) + first_block * kPanelBlock,
                               candidate_blocks * kPanelBlock, block.panels, k_blocks, nullptr,
                               scratch.row_gradient.data() + block.panel * kPanelColumns, row_stride);
    }

    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t text = side.first_text + first_row + r;
      float* gradient = side.are_candidates
                            ? side_gradients_.data() + (s * scores_.batch() + first_row + r) * gradient_stride()
                            : gradient_.data() + text * gradient_stride();
      float along = 0.0f;
      for (std::size_t p = prefixes; p-- > 0;) {
        const ColumnBlock& block = columns_.blocks[p];
        std::memcpy(gradient + block.begin, scratch.row_gradient.data() + r * row_stride + block.panel * kPanelColumns,
                    block.width * sizeof(float));
        if (!has_along()) continue;
        const float norm = forward_.inverse_norms(p)[text];
        along += scratch.row_sums[s * row_sum_stride + r * prefixes + p] * norm * norm;
        row_kernels.add_scaled(-along, texts_ + text * dim_ + block.begin, block.width, gradient + block.begin);
      }
    }
  }
}

void ScoreObjective::run_panel(const Slab& slab, std::size_t panel) {
  const std::size_t prefixes = prefixes_.size(), score_width = scores_.width();
  const std::size_t unit = products_.unit;
  const std::size_t tiles = blocks_for(slab.rows, tile_rows_);
  const std::size_t slab_blocks = tiles * tile_rows_ / (kBlockUnits * unit);
  const std::size_t used_blocks = blocks_for(slab.rows, kBlockUnits * unit);
  const std::size_t first_block = slab.first_row / (kBlockUnits * unit);
  const ScoreOperands& operands = forward_.operands();
  const std::size_t batch_blocks = operands.batch_blocks();
  float* out = gradient_.data() + panel * gradient_stride() * kPanelColumns;
  bool accumulate = !slab.first;
  for (std::size_t s = 0; s < scores_.sides().size(); ++s) {
    const ScoreSide& side = scores_.sides()[s];
    if (panel < side.panel || panel >= side.panel + side.panels) continue;
    for (std::size_t p = 0; p < prefixes; ++p) {
      const ColumnBlock& block = columns_.blocks[p];
      const std::uint32_t* right =
          slab_.data() +
          (side.column / kPanelColumns * prefixes + p * side.panels + panel - side.panel) * slab_blocks * kPanelBlock;
      const std::uint32_t* left =
          operands.columns_of_side(s) + (block.row_block * batch_blocks + first_block) * kBlockSize;
      float* block_out = out + block.row_block * kBlockRows * kPanelColumns;
      kernels::multiply_panels(products_, left, batch_blocks * kBlockSize, block.row_blocks, right, 0, 1, used_blocks,
                               accumulate ? block_out : nullptr, block_out, kPanelColumns);
      float* sums = column_sums_.data() + p * score_width + side.column + (panel - side.panel) * kPanelColumns;
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        const float* part = slab_sums_.data() + tile * prefixes * score_width + (sums - column_sums_.data());
        for (std::size_t c = 0; c < kPanelColumns; ++c) sums[c] += part[c];
      }
    }
    accumulate = true;
  }
  if (!accumulate) std::fill_n(out, gradient_stride() * kPanelColumns, 0.0f);  // candidates that nobody meets
}

// Turns a panel's gradient from columns x texts to texts x columns, takes away what lies along each text, and adds what
// the same texts got as rows.
void ScoreObjective::finish_panel(std::size_t panel, Scratch& scratch) {
  const std::size_t prefixes = prefixes_.size(), score_width = scores_.width();
  const std::size_t stride = gradient_stride();
  const kernels::RowKernels& row_kernels = kernels::row_kernels();
  float* out = gradient_.data() + panel * stride * kPanelColumns;
  float* turned = scratch.panel.data();
  std::memcpy(turned, out, stride * kPanelColumns * sizeof(float));
  for (std::size_t c = 0; c < scores_.panel_count(panel); ++c) {
    const std::size_t text = panel * kPanelColumns + c;
    float* gradient = out + c * stride;
    float along = 0.0f;
    for (std::size_t p = prefixes; p-- > 0;) {
      const ColumnBlock& block = columns_.blocks[p];
      const float* source = turned + block.row_block * kBlockRows * kPanelColumns + c;
      for (std::size_t k = 0; k < block.width; ++k) gradient[block.begin + k] = source[k * kPanelColumns];
      if (!has_along()) continue;
      float sum = 0.0f;
      for (const ScoreSide& side : scores_.sides()) {
        if (panel < side.panel || panel >= side.panel + side.panels) continue;
        sum += column_sums_[p * score_width + side.column + (panel - side.panel) * kPanelColumns + c];
      }
      const float norm = forward_.inverse_norms(p)[text];
      along += sum * norm * norm;
      row_kernels.add_scaled(-along, texts_ + text * dim_ + block.begin, block.width, gradient + block.begin);
    }
    for (std::size_t s = 0; s < scores_.sides().size(); ++s) {
      const ScoreSide& side = scores_.sides()[s];
      if (text < side.first_text || text >= side.first_text + scores_.batch()) continue;
      row_kernels.add_scaled(1.0f, side_gradients_.data() + (s * scores_.batch() + text - side.first_text) * stride,
                             columns_.width, gradient);
    }
  }
}

}  // namespace stillvec::training
