#pragma once

#include <cstddef>

namespace stillvec::search {

// How the values of an embedding are stored. A bit stands for the sign that was kept of a value: 1 or -1, the first in
// the highest bit of its byte; kBinary is kUbinary - 128.
enum class RowFormat { kFloat32, kInt8, kUint8, kBinary, kUbinary };

struct RowRange {
  std::size_t begin = 0, end = 0;

  std::size_t size() const { return end - begin; }
};

// rows x dim values, row-major.
struct Rows {
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t dim = 0;  // a multiple of 8 where they are bits
  RowFormat format = RowFormat::kFloat32;

  bool are_floats() const { return format == RowFormat::kFloat32; }
  std::size_t row_bytes() const;
  const void* row(std::size_t r) const { return static_cast<const std::byte*>(data) + r * row_bytes(); }
  Rows slice(RowRange range) const { return {row(range.begin), range.size(), dim, format}; }
};

// out[(r - range.begin) * dim + c] = value c of row r as f32.
void load_rows(const Rows& rows, RowRange range, float* out);

}  // namespace stillvec::search
