#include "model/quantizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/vector/vector.h"
#include "runtime/thread_pool.h"

namespace stillvec::model {
namespace {

// body(begin, end, slot) for some rows at a time.
template <typename Body>
void each_chunk(std::size_t count, ThreadPool& pool, const Body& body) {
  constexpr std::size_t kRowsPerChunk = 512;
  pool.parallel_for((count + kRowsPerChunk - 1) / kRowsPerChunk, [&](std::size_t chunk, unsigned slot) {
    body(chunk * kRowsPerChunk, std::min(count, (chunk + 1) * kRowsPerChunk), slot);
  });
}

}  // namespace

ColumnRanges::ColumnRanges(std::size_t columns)
    : min_(columns, std::numeric_limits<float>::infinity()), max_(columns, -std::numeric_limits<float>::infinity()) {}

void ColumnRanges::extend(const float* rows, std::size_t count) {
  const kernels::VectorKernels& vector = kernels::vector_kernels();
  const std::size_t columns = min_.size();
  for (std::size_t r = 0; r < count; ++r) vector.extend_range(rows + r * columns, columns, min_.data(), max_.data());
}

void ColumnRanges::extend(const ColumnRanges& other) {
  for (std::size_t c = 0; c < min_.size(); ++c) {
    if (other.min_[c] < min_[c]) min_[c] = other.min_[c];
    if (other.max_[c] > max_[c]) max_[c] = other.max_[c];
  }
}

Quantizer::Quantizer(std::span<const float> min, std::span<const float> max)
    : min_(min.begin(), min.end()), step_(min.size()) {
  for (std::size_t c = 0; c < step_.size(); ++c) {
    const float step = (max[c] - min[c]) / 255.0f;
    step_[c] = step == 0.0f ? 1.0f : step;
  }
}

void Quantizer::quantize(const float* rows, std::size_t begin, std::size_t end, QuantizedDtype dtype,
                         std::byte* out) const {
  const kernels::VectorKernels& vector = kernels::vector_kernels();
  const std::uint8_t flip = dtype == QuantizedDtype::kInt8 ? 0x80 : 0;
  auto* bytes = reinterpret_cast<std::uint8_t*>(out);
  for (std::size_t r = begin; r < end; ++r) {
    vector.quantize(rows + r * columns(), min_.data(), step_.data(), columns(), flip, bytes + r * columns());
  }
}

ColumnRanges column_ranges(const float* rows, std::size_t count, std::size_t columns, ThreadPool& pool) {
  // One a thread: the order in which ranges are joined does not matter.
  std::vector<ColumnRanges> ranges(pool.size() + 1, ColumnRanges(columns));
  each_chunk(count, pool, [&](std::size_t begin, std::size_t end, unsigned slot) {
    ranges[slot].extend(rows + begin * columns, end - begin);
  });
  for (std::size_t i = 1; i < ranges.size(); ++i) ranges[0].extend(ranges[i]);
  return std::move(ranges[0]);
}

void quantize_rows(const float* rows, std::size_t count, const Quantizer& quantizer, QuantizedDtype dtype,
                   ThreadPool& pool, std::byte* out) {
  each_chunk(count, pool,
             [&](std::size_t begin, std::size_t end, unsigned) { quantizer.quantize(rows, begin, end, dtype, out); });
}

void pack_sign_rows(const float* rows, std::size_t count, std::size_t columns, std::uint8_t flip, ThreadPool& pool,
                    std::byte* out) {
  const kernels::VectorKernels& vector = kernels::vector_kernels();
  const std::size_t row_bytes = (columns + 7) / 8;
  auto* bytes = reinterpret_cast<std::uint8_t*>(out);
  each_chunk(count, pool, [&](std::size_t begin, std::size_t end, unsigned) {
    for (std::size_t r = begin; r < end; ++r) {
      vector.pack_signs(rows + r * columns, columns, flip, bytes + r * row_bytes);
    }
  });
}

}  // namespace stillvec::model
