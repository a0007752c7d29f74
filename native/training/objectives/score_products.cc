#include "training/objectives/score_products.h"

#include <algorithm>
#include <cmath>

#include "kernels/rows/rows.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {

using kernels::blocks_for;

namespace {

// As torch's normalize: below this length a direction is not defined.
constexpr double kLeastNorm = 1e-12;

}  // namespace

ScoreProducts::ScoreProducts(Score score, const ObjectiveContext& context)
    : pool_(context.pool),
      score_(score),
      unit_norm_(context.normalizes || score == Score::kCosine),
      dim_(context.dim),
      tile_rows_(context.products.tile_rows),
      operands_(context.pool, context.products) {}

void ScoreProducts::begin(const Batch& batch, const ScoreLayout& scores, const ColumnLayout& columns) {
  scores_ = &scores;
  columns_ = &columns;
  measure_norms(batch.texts);
  operands_.pack_forward(batch.texts, dim_, scores, columns);
}

void ScoreProducts::measure_norms(const float* texts) {
  const std::size_t text_rows = scores_->texts().text_rows(), anchors = scores_->texts().first_text(0);
  inverse_norms_.reserve(columns_->blocks.size() * text_rows);
  if (score_ == Score::kEuclidean) squared_norms_.reserve(columns_->blocks.size() * text_rows);
  if (!unit_norm_ && score_ == Score::kDot) return;
  constexpr std::size_t kChunk = 64;
  const kernels::RowKernels& rows = kernels::row_kernels();
  pool_.parallel_for(blocks_for(text_rows, kChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(text_rows, (chunk + 1) * kChunk);
    for (std::size_t text = chunk * kChunk; text < end; ++text) {
      if (text < anchors ? text >= scores_->documents() : text >= anchors + scores_->batch()) continue;
      double squared = 0.0;
      for (std::size_t p = 0; p < columns_->blocks.size(); ++p) {
        const ColumnBlock& block = columns_->blocks[p];
        squared += static_cast<double>(rows.squared_norm(texts + text * dim_ + block.begin, block.width));
        const double norm = std::sqrt(squared);
        const bool has_length = norm >= kLeastNorm;
        const std::size_t at = p * text_rows + text;
        inverse_norms_[at] = !unit_norm_ ? 1.0f : has_length ? static_cast<float>(1.0 / norm) : 0.0f;
        if (score_ == Score::kEuclidean) {
          squared_norms_[at] = !unit_norm_ ? static_cast<float>(squared) : has_length ? 1.0f : 0.0f;
        }
      }
    }
  });
}

// The products of prefix p are those of prefix p - 1 plus those of one column block.
void ScoreProducts::multiply_tile(std::size_t first_row, float* products) const {
  for (std::size_t p = 0; p < columns_->blocks.size(); ++p, products += tile_size()) {
    operands_.multiply(p, first_row, p == 0 ? nullptr : products - tile_size(), products, stride());
  }
}

void ScoreProducts::scores_of(std::size_t prefix, std::size_t row, const ScoreTerm& term, const float* products,
                              float* out) const {
  products += term.column;
  const float own = row_scale(prefix, term, row);
  const float* others = candidate_scale(prefix, term);
  for (std::size_t j = 0; j < term.count; ++j) out[j] = products[j] * (others == nullptr ? own : own * others[j]);
  if (score_ != Score::kEuclidean) return;
  const float* squared = squared_norms_.data() + prefix * scores_->texts().text_rows();
  const float own_squared = squared[scores_->sides()[term.side].first_text + row];
  for (std::size_t j = 0; j < term.count; ++j) {
    out[j] = std::sqrt(std::max(own_squared + squared[term.first_text + j] - 2.0f * out[j], 0.0f));
  }
}

}  // namespace stillvec::training
