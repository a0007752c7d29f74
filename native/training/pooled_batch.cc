#include "training/pooled_batch.h"

#include <algorithm>
#include <utility>

#include "kernels/bag/bag.h"
#include "kernels/rows/rows.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kTextsPerChunk = 16;

Status invalid(const char* message) { return {Code::kInvalidArgument, message}; }

}  // namespace

PooledBatch::PooledBatch(ThreadPool& pool, std::size_t table_rows, std::size_t dim, model::Pooling pooling)
    : pool_(pool), dim_(dim), touched_(pool, table_rows, std::move(pooling)) {}

Status PooledBatch::read(const Source& source, std::span<const std::uint32_t> rows) {
  constexpr std::size_t kMostTexts = 0xffffffffu;
  if (source.columns.empty()) return invalid("a batch needs at least one column");
  if (rows.empty()) return invalid("a batch needs at least one row");
  if (source.columns.size() > kMostTexts / 2 / rows.size()) return invalid("a batch has too many texts");
  if (std::ranges::count(source.columns, nullptr) > 0) return invalid("a column is missing");
  source_ = &source;
  rows_ = rows;
  layout_ = {source.columns.size(), rows.size()};
  first_text_.clear();
  for (std::size_t c = 0; c < layout_.columns; ++c) first_text_.push_back(layout_.first_text(c));
  return touched_.build(source.columns, rows, first_text_, layout_.text_rows());
}

Batch PooledBatch::pool(const float* table, std::size_t width) {
  const std::size_t text_rows = layout_.text_rows();
  texts_.reserve(text_rows * dim_);
  const kernels::SumRows sum = kernels::bag_kernels().sum_f32;
  const kernels::RowKernels& kernels = kernels::row_kernels();
  pool_.parallel_for(kernels::blocks_for(text_rows, kTextsPerChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(text_rows, (chunk + 1) * kTextsPerChunk);
    for (std::size_t text = chunk * kTextsPerChunk; text < end; ++text) {
      const std::span<const kernels::WeightedRow> tokens = touched_.tokens(text);
      const std::span<const kernels::WeightedRow> next =
          text + 1 < text_rows ? touched_.tokens(text + 1) : std::span<const kernels::WeightedRow>();
      float* out = texts_.data() + text * dim_;
      sum({table, nullptr, dim_}, {tokens.data(), tokens.size(), next.data(), next.size()}, 1.0f, width, out);
      if (touched_.divisor(text) > 1.0f) kernels.divide(touched_.divisor(text), width, out);
    }
  });
  return {layout_, texts_.data(), dim_, rows_, source_};
}

}  // namespace stillvec::training
