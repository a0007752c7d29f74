#include <cmath>
#include <cstring>

#include "kernels/bag/bag.h"
#include "kernels/half.h"

namespace stillvec::kernels::scalar {
namespace {

float read(float value) { return value; }
float read(std::int8_t value) { return static_cast<float>(value); }

struct F16 {
  std::uint16_t bits;
};
struct Bf16 {
  std::uint16_t bits;
};
float read(F16 value) { return f16_to_f32(value.bits); }
float read(Bf16 value) { return bf16_to_f32(value.bits); }

template <typename Value>
void sum_rows(const TableView& table, const Bag& bag, float factor, std::size_t columns, float* out) {
  for (std::size_t c = 0; c < columns; ++c) out[c] = 0.0f;
  const auto* values = static_cast<const Value*>(table.values);
  for (const WeightedRow* row = bag.rows; row != bag.rows + bag.count; ++row) {
    const Value* source = values + std::size_t{row->row} * table.stride;
    const float scale = table.scales == nullptr ? 1.0f : table.scales[row->row];
    // The same as a fused multiply-add, which is a call where the machine has none.
    if (row->weight == 1.0f) {
      for (std::size_t c = 0; c < columns; ++c) out[c] += read(source[c]) * scale;
    } else {
      for (std::size_t c = 0; c < columns; ++c) out[c] = std::fma(row->weight, read(source[c]) * scale, out[c]);
    }
  }
  for (std::size_t c = 0; c < columns; ++c) out[c] *= factor;
}

std::uint64_t read_rows(const void* values, std::size_t stride, std::size_t bytes, const Bag& bag) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bag.count; ++i) {
    const char* row = static_cast<const char*>(values) + bag.rows[i].row * stride;
    for (std::size_t b = 0; b + sizeof(std::uint64_t) <= bytes; b += sizeof(std::uint64_t)) {
      std::uint64_t word;
      std::memcpy(&word, row + b, sizeof word);
      sum += word;
    }
  }
  return sum;
}

}  // namespace

const BagKernels kBag = {sum_rows<float>, sum_rows<F16>, sum_rows<Bf16>, sum_rows<std::int8_t>, read_rows};

}  // namespace stillvec::kernels::scalar
