#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

#include <cstring>

#include "kernels/quantized/quantized.h"

namespace stillvec::kernels::neon {
namespace {

constexpr std::size_t kBytes = 16;

// The last n bytes, n < 16, and zeros behind them.
uint8x16_t load_first(const void* bytes, std::size_t n) {
  std::uint8_t padded[kBytes] = {};
  std::memcpy(padded, bytes, n);
  return vld1q_u8(padded);
}

uint8x16_t load(const void* bytes) { return vld1q_u8(static_cast<const std::uint8_t*>(bytes)); }

struct Dot {
  static int32x4_t add(int32x4_t sum, uint8x16_t a, uint8x16_t b) {
    const int8x16_t x = vreinterpretq_s8_u8(a), y = vreinterpretq_s8_u8(b);
    sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    return vpadalq_s16(sum, vmull_high_s8(x, y));
  }
};

struct Hamming {
  static int32x4_t add(int32x4_t sum, uint8x16_t a, uint8x16_t b) {
    const uint16x8_t bits = vpaddlq_u8(vcntq_u8(veorq_u8(a, b)));
    return vreinterpretq_s32_u32(vpadalq_u16(vreinterpretq_u32_s32(sum), bits));
  }
};

template <typename Sum, typename Byte>
void tile(const Byte* const a[4], const Byte* const b[4], std::size_t n, std::int32_t out[16]) {
  int32x4_t sums[4][4];
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) sums[i][j] = vdupq_n_s32(0);
  }
  for (std::size_t c = 0; c < n; c += kBytes) {
    const bool is_whole = n - c >= kBytes;
    uint8x16_t right[4];
    for (int j = 0; j < 4; ++j) right[j] = is_whole ? load(b[j] + c) : load_first(b[j] + c, n - c);
    for (int i = 0; i < 4; ++i) {
      const uint8x16_t left = is_whole ? load(a[i] + c) : load_first(a[i] + c, n - c);
      for (int j = 0; j < 4; ++j) sums[i][j] = Sum::add(sums[i][j], left, right[j]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) out[4 * i + j] = vaddvq_s32(sums[i][j]);
  }
}

}  // namespace

const QuantizedKernels kQuantized = {.dot_tile = tile<Dot>, .hamming_tile = tile<Hamming>};

}  // namespace stillvec::kernels::neon

#endif
