#include <bit>

#include "kernels/quantized/quantized.h"

namespace stillvec::kernels::scalar {
namespace {

void dot_tile(const std::int8_t* const a[4], const std::int8_t* const b[4], std::size_t n, std::int32_t out[16]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      std::int32_t sum = 0;
      for (std::size_t c = 0; c < n; ++c) sum += a[i][c] * b[j][c];
      out[4 * i + j] = sum;
    }
  }
}

void hamming_tile(const std::uint8_t* const a[4], const std::uint8_t* const b[4], std::size_t n, std::int32_t out[16]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      std::int32_t sum = 0;
      for (std::size_t c = 0; c < n; ++c) sum += std::popcount(static_cast<std::uint8_t>(a[i][c] ^ b[j][c]));
      out[4 * i + j] = sum;
    }
  }
}

}  // namespace

const QuantizedKernels kQuantized = {.dot_tile = dot_tile, .hamming_tile = hamming_tile};

}  // namespace stillvec::kernels::scalar
