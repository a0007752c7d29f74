#include <cmath>

#include "kernels/vector/vector.h"

namespace stillvec::kernels::scalar {
namespace {

struct Dot {
  static float term(float a, float b) { return a * b; }
};
struct SquaredDistance {
  static float term(float a, float b) { return (a - b) * (a - b); }
};
struct L1Distance {
  static float term(float a, float b) { return std::abs(a - b); }
};

template <typename Measure>
float sum(const float* a, const float* b, std::size_t n) {
  float total = 0.0f;
  for (std::size_t i = 0; i < n; ++i) total += Measure::term(a[i], b[i]);
  return total;
}

template <typename Measure>
void tile(const float* const a[4], const float* const b[4], std::size_t n, float out[16]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) out[4 * i + j] = sum<Measure>(a[i], b[j], n);
  }
}

void scale(const float* x, float factor, std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * factor;
}

void extend_range(const float* x, std::size_t n, float* min, float* max) {
  for (std::size_t i = 0; i < n; ++i) {
    if (x[i] < min[i]) min[i] = x[i];
    if (x[i] > max[i]) max[i] = x[i];
  }
}

std::size_t select(const float* x, std::size_t n, float floor, std::uint32_t* out) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!(x[i] < floor)) out[count++] = static_cast<std::uint32_t>(i);
  }
  return count;
}

void quantize(const float* x, const float* min, const float* step, std::size_t n, std::uint8_t flip,
              std::uint8_t* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const float q = (x[i] - min[i]) / step[i];
    const float clipped = q > 0.0f ? (q < 255.0f ? q : 255.0f) : 0.0f;
    out[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(clipped) ^ flip);
  }
}

void pack_signs(const float* x, std::size_t n, std::uint8_t flip, std::uint8_t* out) {
  for (std::size_t i = 0; i < n; i += 8) {
    unsigned byte = 0;
    for (std::size_t b = 0; b < 8 && i + b < n; ++b) byte |= (x[i + b] > 0.0f ? 0x80u : 0u) >> b;
    *out++ = static_cast<std::uint8_t>(byte ^ flip);
  }
}

}  // namespace

const VectorKernels kVector = {
    .dot = sum<Dot>,
    .squared_distance = sum<SquaredDistance>,
    .l1_distance = sum<L1Distance>,
    .dot_tile = tile<Dot>,
    .squared_distance_tile = tile<SquaredDistance>,
    .l1_distance_tile = tile<L1Distance>,
    .scale = scale,
    .extend_range = extend_range,
    .select = select,
    .quantize = quantize,
    .pack_signs = pack_signs,
};

}  // namespace stillvec::kernels::scalar
