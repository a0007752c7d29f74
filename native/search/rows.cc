#include "search/rows.h"

#include <cstdint>
#include <cstring>

namespace stillvec::search {
namespace {

template <typename Value>
void convert(const std::byte* bytes, std::size_t count, float* out) {
  const auto* values = reinterpret_cast<const Value*>(bytes);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(values[i]);
}

void unpack_signs(const std::byte* bytes, std::size_t count, std::uint8_t flip, float* out) {
  const auto* packed = reinterpret_cast<const std::uint8_t*>(bytes);
  for (std::size_t i = 0; i < count; i += 8) {
    const unsigned byte = *packed++ ^ flip;
    for (unsigned b = 0; b < 8; ++b) out[i + b] = ((byte >> (7 - b)) & 1u) != 0 ? 1.0f : -1.0f;
  }
}

}  // namespace

std::size_t Rows::row_bytes() const {
  switch (format) {
    case RowFormat::kFloat32: return dim * sizeof(float);
    case RowFormat::kInt8:
    case RowFormat::kUint8: return dim;
    case RowFormat::kBinary:
    case RowFormat::kUbinary: return dim / 8;
  }
  return 0;
}

void load_rows(const Rows& rows, RowRange range, float* out) {
  const std::size_t count = range.size() * rows.dim;
  if (count == 0) return;
  const auto* bytes = static_cast<const std::byte*>(rows.row(range.begin));
  switch (rows.format) {
    case RowFormat::kFloat32: std::memcpy(out, bytes, count * sizeof(float)); break;
    case RowFormat::kInt8: convert<std::int8_t>(bytes, count, out); break;
    case RowFormat::kUint8: convert<std::uint8_t>(bytes, count, out); break;
    case RowFormat::kBinary: unpack_signs(bytes, count, 0x80, out); break;
    case RowFormat::kUbinary: unpack_signs(bytes, count, 0, out); break;
  }
}

}  // namespace stillvec::search
