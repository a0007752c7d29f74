#include "model/quantizer.h"

#include <algorithm>
#include <limits>

#include "kernels/vector/vector.h"
#include "runtime/thread_pool.h"

namespace stillvec::model {

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

void quantize_rows(const float* rows, std::size_t count, std::size_t columns, QuantizedDtype dtype, ThreadPool& pool,
                   std::byte* out) {
  constexpr std::size_t kRowsPerChunk = 512;
  const std::size_t chunks = (count + kRowsPerChunk - 1) / kRowsPerChunk;
  const auto end_of = [&](std::size_t chunk) { return std::min(count, (chunk + 1) * kRowsPerChunk); };
  // One a thread: the order in which ranges are joined does not matter.
  std::vector<ColumnRanges> ranges(pool.size() + 1, ColumnRanges(columns));
  pool.parallel_for(chunks, [&](std::size_t chunk, unsigned slot) {
    const std::size_t begin = chunk * kRowsPerChunk;
    ranges[slot].extend(rows + begin * columns, end_of(chunk) - begin);
  });
  for (std::size_t i = 1; i < ranges.size(); ++i) ranges[0].extend(ranges[i]);
  const Quantizer quantizer(ranges[0].min(), ranges[0].max());
  pool.parallel_for(chunks, [&](std::size_t chunk, unsigned) {
    quantizer.quantize(rows, chunk * kRowsPerChunk, end_of(chunk), dtype, out);
  });
}

}  // namespace stillvec::model
