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
void mean(const TableView& table, const Bag& bag, std::size_t columns, float* out) {
  for (std::size_t c = 0; c < columns; ++c) out[c] = 0.0f;
  if (bag.count == 0) return;
  const auto* values = static_cast<const Value*>(table.values);
  for (std::size_t i = 0; i < bag.count; ++i) {
    const Value* row = values + std::size_t{bag.ids[i]} * table.dim;
    if (table.scales != nullptr) {
      const float scale = table.scales[bag.ids[i]];
      for (std::size_t c = 0; c < columns; ++c) out[c] += read(row[c]) * scale;
    } else {
      for (std::size_t c = 0; c < columns; ++c) out[c] += read(row[c]);
    }
  }
  const float inverse = 1.0f / static_cast<float>(bag.count);
  for (std::size_t c = 0; c < columns; ++c) out[c] *= inverse;
}

std::uint64_t read_rows(const void* values, std::size_t stride, std::size_t bytes, const Bag& bag) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bag.count; ++i) {
    const char* row = static_cast<const char*>(values) + bag.ids[i] * stride;
    for (std::size_t b = 0; b + sizeof(std::uint64_t) <= bytes; b += sizeof(std::uint64_t)) {
      std::uint64_t word;
      std::memcpy(&word, row + b, sizeof word);
      sum += word;
    }
  }
  return sum;
}

}  // namespace

const BagKernels kBag = {mean<float>, mean<F16>, mean<Bf16>, mean<std::int8_t>, read_rows};

}  // namespace stillvec::kernels::scalar
