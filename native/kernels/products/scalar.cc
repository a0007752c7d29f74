#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/products/products.h"

namespace stillvec::kernels::scalar {
namespace {

std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The upper half of an f32, rounded to nearest even; a NaN stays one.
std::uint32_t bf16_of(float value) {
  const std::uint32_t bits = bits_of(value);
  if (value != value) return (bits >> 16) | 0x40u;
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

struct F32 {
  static constexpr std::size_t kUnit = 1;
  static std::uint32_t pack(const float* value, std::size_t) { return bits_of(*value); }
  static float multiply_add(std::uint32_t a, std::uint32_t b, float sum) { return sum + float_of(a) * float_of(b); }
};

struct Bf16 {
  static constexpr std::size_t kUnit = 2;
  static std::uint32_t pack(const float* value, std::size_t next) {
    return bf16_of(value[0]) | bf16_of(value[next]) << 16;
  }
  static float multiply_add(std::uint32_t a, std::uint32_t b, float sum) {
    sum += float_of(a << 16) * float_of(b << 16);
    return sum + float_of(a & 0xffff0000u) * float_of(b & 0xffff0000u);
  }
};

template <typename Type>
void left_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t r = 0; r < kBlockRows; ++r) {
    for (std::size_t u = 0; u < kBlockUnits; ++u) {
      packed[r * kBlockUnits + u] = Type::pack(source + r * stride + u * Type::kUnit, 1);
    }
  }
}

template <typename Type>
void left_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t r = 0; r < kBlockRows; ++r) {
    for (std::size_t u = 0; u < kBlockUnits; ++u) {
      packed[r * kBlockUnits + u] = Type::pack(source + u * Type::kUnit * stride + r, stride);
    }
  }
}

template <typename Type>
void right_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t u = 0; u < kBlockUnits; ++u) {
    for (std::size_t c = 0; c < kBlockRows; ++c) {
      packed[u * kPanelColumns + c] = Type::pack(source + c * stride + u * Type::kUnit, 1);
    }
  }
}

template <typename Type>
void right_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t u = 0; u < kBlockUnits; ++u) {
    for (std::size_t c = 0; c < kBlockRows; ++c) {
      packed[u * kPanelColumns + c] = Type::pack(source + u * Type::kUnit * stride + c, stride);
    }
  }
}

template <typename Type>
void multiply(const std::uint32_t* left, std::size_t left_stride, std::size_t row_blocks, const std::uint32_t* right,
              const std::uint32_t* /*next*/, std::size_t k_blocks, const float* addend, float* out,
              std::size_t out_stride) {
  for (std::size_t r = 0; r < row_blocks * kBlockRows; ++r) {
    const std::uint32_t* row = left + r / kBlockRows * left_stride + r % kBlockRows * kBlockUnits;
    float sums[kPanelColumns];
    for (std::size_t c = 0; c < kPanelColumns; ++c) sums[c] = addend == nullptr ? 0.0f : addend[r * out_stride + c];
    for (std::size_t block = 0; block < k_blocks; ++block) {
      for (std::size_t u = 0; u < kBlockUnits; ++u) {
        const std::uint32_t a = row[block * kBlockSize + u];
        const std::uint32_t* b = right + block * kPanelBlock + u * kPanelColumns;
        for (std::size_t c = 0; c < kPanelColumns; ++c) sums[c] = Type::multiply_add(a, b[c], sums[c]);
      }
    }
    std::memcpy(out + r * out_stride, sums, sizeof sums);
  }
}

template <typename Type>
constexpr ProductKernels table() {
  return {Type::kUnit,   8, 32, left_rows<Type>, left_columns<Type>, right_rows<Type>, right_columns<Type>,
          multiply<Type>};
}

}  // namespace

extern const ProductKernels kF32Products;
extern const ProductKernels kBf16Products;
const ProductKernels kF32Products = table<F32>();
const ProductKernels kBf16Products = table<Bf16>();

}  // namespace stillvec::kernels::scalar
