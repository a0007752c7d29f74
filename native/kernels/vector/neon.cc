#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

#include "kernels/vector/vector.h"

namespace stillvec::kernels::neon {
namespace {

constexpr std::size_t kLanes = 4;

// The last n values, n < 4, and zeros behind them, which contribute a zero term.
float32x4_t load_first(const float* x, std::size_t n) {
  float padded[kLanes] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (std::size_t i = 0; i < n; ++i) padded[i] = x[i];
  return vld1q_f32(padded);
}

struct Dot {
  static float32x4_t add(float32x4_t sum, float32x4_t a, float32x4_t b) { return vfmaq_f32(sum, a, b); }
};
struct SquaredDistance {
  static float32x4_t add(float32x4_t sum, float32x4_t a, float32x4_t b) {
    const float32x4_t d = vsubq_f32(a, b);
    return vfmaq_f32(sum, d, d);
  }
};
struct L1Distance {
  static float32x4_t add(float32x4_t sum, float32x4_t a, float32x4_t b) { return vaddq_f32(sum, vabdq_f32(a, b)); }
};

template <typename Measure>
float sum(const float* a, const float* b, std::size_t n) {
  constexpr int kChains = 4;  // hides the latency of the additions
  float32x4_t sums[kChains];
  for (int c = 0; c < kChains; ++c) sums[c] = vdupq_n_f32(0.0f);
  std::size_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int c = 0; c < kChains; ++c) {
      sums[c] = Measure::add(sums[c], vld1q_f32(a + i + c * kLanes), vld1q_f32(b + i + c * kLanes));
    }
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = Measure::add(sums[0], vld1q_f32(a + i), vld1q_f32(b + i));
  if (i < n) sums[1] = Measure::add(sums[1], load_first(a + i, n - i), load_first(b + i, n - i));
  return vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])));
}

template <typename Measure>
void tile(const float* const a[4], const float* const b[4], std::size_t n, float out[16]) {
  float32x4_t sums[4][4];
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) sums[i][j] = vdupq_n_f32(0.0f);
  }
  std::size_t k = 0;
  for (; k + kLanes <= n; k += kLanes) {
    float32x4_t right[4];
    for (int j = 0; j < 4; ++j) right[j] = vld1q_f32(b[j] + k);
    for (int i = 0; i < 4; ++i) {
      const float32x4_t left = vld1q_f32(a[i] + k);
      for (int j = 0; j < 4; ++j) sums[i][j] = Measure::add(sums[i][j], left, right[j]);
    }
  }
  if (k < n) {
    float32x4_t right[4];
    for (int j = 0; j < 4; ++j) right[j] = load_first(b[j] + k, n - k);
    for (int i = 0; i < 4; ++i) {
      const float32x4_t left = load_first(a[i] + k, n - k);
      for (int j = 0; j < 4; ++j) sums[i][j] = Measure::add(sums[i][j], left, right[j]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) out[4 * i + j] = vaddvq_f32(sums[i][j]);
  }
}

void scale(const float* x, float factor, std::size_t n, float* out) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) vst1q_f32(out + i, vmulq_n_f32(vld1q_f32(x + i), factor));
  for (; i < n; ++i) out[i] = x[i] * factor;
}

void extend_range(const float* x, std::size_t n, float* min, float* max) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const float32x4_t values = vld1q_f32(x + i);
    vst1q_f32(min + i, vminnmq_f32(values, vld1q_f32(min + i)));
    vst1q_f32(max + i, vmaxnmq_f32(values, vld1q_f32(max + i)));
  }
  for (; i < n; ++i) {
    min[i] = x[i] < min[i] ? x[i] : min[i];
    max[i] = x[i] > max[i] ? x[i] : max[i];
  }
}

std::size_t select(const float* x, std::size_t n, float floor, std::uint32_t* out) {
  const float32x4_t floors = vdupq_n_f32(floor);
  std::size_t count = 0, i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    // Few are picked: sixteen are looked at together.
    uint32x4_t all = vcltq_f32(vld1q_f32(x + i), floors);
    for (std::size_t part = 1; part < 4; ++part) {
      all = vandq_u32(all, vcltq_f32(vld1q_f32(x + i + part * kLanes), floors));
    }
    if (vminvq_u32(all) != 0) continue;
    for (std::size_t k = i; k < i + 4 * kLanes; ++k) {
      if (!(x[k] < floor)) out[count++] = static_cast<std::uint32_t>(k);
    }
  }
  for (; i < n; ++i) {
    if (!(x[i] < floor)) out[count++] = static_cast<std::uint32_t>(i);
  }
  return count;
}

void quantize(const float* x, const float* min, const float* step, std::size_t n, std::uint8_t flip,
              std::uint8_t* out) {
  std::size_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    uint16x4_t halves[2];
    for (int h = 0; h < 2; ++h) {
      const std::size_t k = i + h * kLanes;
      const float32x4_t q = vdivq_f32(vsubq_f32(vld1q_f32(x + k), vld1q_f32(min + k)), vld1q_f32(step + k));
      const float32x4_t clipped = vminq_f32(vmaxnmq_f32(q, vdupq_n_f32(0.0f)), vdupq_n_f32(255.0f));
      halves[h] = vmovn_u32(vcvtq_u32_f32(clipped));
    }
    const uint8x8_t bytes = vmovn_u16(vcombine_u16(halves[0], halves[1]));
    vst1_u8(out + i, veor_u8(bytes, vdup_n_u8(flip)));
  }
  for (; i < n; ++i) {
    const float q = (x[i] - min[i]) / step[i];
    const float clipped = q > 0.0f ? (q < 255.0f ? q : 255.0f) : 0.0f;
    out[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(clipped) ^ flip);
  }
}

void pack_signs(const float* x, std::size_t n, std::uint8_t flip, std::uint8_t* out) {
  const std::uint32_t high_bits[kLanes] = {0x80, 0x40, 0x20, 0x10}, low_bits[kLanes] = {0x08, 0x04, 0x02, 0x01};
  const uint32x4_t high = vld1q_u32(high_bits), low = vld1q_u32(low_bits);
  std::size_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const uint32x4_t first = vandq_u32(vcgtzq_f32(vld1q_f32(x + i)), high);
    const uint32x4_t second = vandq_u32(vcgtzq_f32(vld1q_f32(x + i + kLanes)), low);
    *out++ = static_cast<std::uint8_t>(vaddvq_u32(vorrq_u32(first, second)) ^ flip);
  }
  if (i < n) {
    unsigned byte = 0;
    for (std::size_t b = 0; i + b < n; ++b) byte |= (x[i + b] > 0.0f ? 0x80u : 0u) >> b;
    *out = static_cast<std::uint8_t>(byte ^ flip);
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

}  // namespace stillvec::kernels::neon

#endif
