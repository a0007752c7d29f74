#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stillvec {
class ThreadPool;
}

namespace stillvec::model {

// The least and the greatest value of each column over some rows.
class ColumnRanges {
 public:
  explicit ColumnRanges(std::size_t columns);

  // `rows` holds count x columns values. NaN is passed over.
  void extend(const float* rows, std::size_t count);
  // As if it had seen the rows of `other` too, which has as many columns. The order does not matter.
  void extend(const ColumnRanges& other);

  std::span<const float> min() const { return min_; }
  std::span<const float> max() const { return max_; }

 private:
  std::vector<float> min_, max_;
};

enum class QuantizedDtype { kInt8, kUint8 };

// f32 rows -> one byte a value, as Sentence Transformers does it: of each column's range, 256 equal steps.
//
//   q = clip(floor((x - min) / step), 0, 255)    step = (max - min) / 255 in f32, and 1 where that is 0
//   uint8: q    int8: q - 128
class Quantizer {
 public:
  // One minimum and one maximum a column.
  Quantizer(std::span<const float> min, std::span<const float> max);

  std::size_t columns() const { return min_.size(); }

  // Quantizes rows [begin, end) of `rows` into the same rows of `out`, columns() bytes each.
  void quantize(const float* rows, std::size_t begin, std::size_t end, QuantizedDtype dtype, std::byte* out) const;

 private:
  std::vector<float> min_, step_;
};

// What follows works on `pool`; what it gives does not depend on its threads. `rows` holds count x columns values.

// The ranges of all rows.
ColumnRanges column_ranges(const float* rows, std::size_t count, std::size_t columns, ThreadPool& pool);

// quantizer.columns() bytes a row.
void quantize_rows(const float* rows, std::size_t count, const Quantizer& quantizer, QuantizedDtype dtype,
                   ThreadPool& pool, std::byte* out);

// One bit a value, whether it is above 0, the first in the highest bit; a row takes (columns + 7) / 8 bytes, of which
// each is changed by ^ flip.
void pack_sign_rows(const float* rows, std::size_t count, std::size_t columns, std::uint8_t flip, ThreadPool& pool,
                    std::byte* out);

}  // namespace stillvec::model
