#include "kernels/simd/neon.h"
#include "kernels/bag/bag.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <cstring>

namespace stillvec::kernels::neon {
namespace {

// A register of `n` values of a table, zeros behind them.
template <typename Format>
float32x4_t load_copy(const typename Format::Value* p, std::size_t n) {
  typename Format::Value lanes[Floats::kLanes] = {};
  for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
  return Format::load(lanes);
}

struct F32 {
  using Value = float;
  static constexpr bool kScaled = false;
  static float32x4_t load(const Value* p) { return vld1q_f32(p); }
  static float32x4_t load_partial(const Value* p, std::size_t n) { return load_copy<F32>(p, n); }
};

struct F16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static float32x4_t load(const Value* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
  static float32x4_t load_partial(const Value* p, std::size_t n) { return load_copy<F16>(p, n); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static float32x4_t load(const Value* p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
  static float32x4_t load_partial(const Value* p, std::size_t n) { return load_copy<Bf16>(p, n); }
};

struct I8 {
  using Value = std::int8_t;
  static constexpr bool kScaled = true;
  static float32x4_t load(const Value* p) {
    std::int32_t four;
    std::memcpy(&four, p, sizeof four);
    const int8x8_t x = vreinterpret_s8_s32(vdup_n_s32(four));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(x))));
  }
  static float32x4_t load_partial(const Value* p, std::size_t n) { return load_copy<I8>(p, n); }
};

struct Words {
  using V = uint64x2_t;
  static constexpr std::size_t kBytes = 16;
  static V zero() { return vdupq_n_u64(0); }
  static V load(const char* p) { return vreinterpretq_u64_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(p))); }
  static V add(V a, V b) { return vaddq_u64(a, b); }
  static void store(std::uint64_t* p, V a) { vst1q_u64(p, a); }
  static void prefetch(const char* p) { __builtin_prefetch(p, 0, 2); }
};

}  // namespace

#include "kernels/bag/bag.inl"

}  // namespace stillvec::kernels::neon

#endif
