#pragma once

#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace stillvec::kernels::neon {

struct Floats {
  using V = float32x4_t;
  static constexpr std::size_t kLanes = 4;

  static V zero() { return vdupq_n_f32(0.0f); }
  static V set(float x) { return vdupq_n_f32(x); }
  static V load(const float* p) { return vld1q_f32(p); }
  static V load_partial(const float* p, std::size_t n, float fill) {
    float lanes[kLanes] = {fill, fill, fill, fill};
    for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
    return vld1q_f32(lanes);
  }
  static void store(float* p, V a) { vst1q_f32(p, a); }
  static void store_partial(float* p, V a, std::size_t n) {
    float lanes[kLanes];
    vst1q_f32(lanes, a);
    for (std::size_t i = 0; i < n; ++i) p[i] = lanes[i];
  }
  static V add(V a, V b) { return vaddq_f32(a, b); }
  static V sub(V a, V b) { return vsubq_f32(a, b); }
  static V mul(V a, V b) { return vmulq_f32(a, b); }
  static V div(V a, V b) { return vdivq_f32(a, b); }
  static V sqrt(V a) { return vsqrtq_f32(a); }
  static V max(V a, V b) { return vmaxq_f32(a, b); }
  static V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  static V fnma(V a, V b, V c) { return vfmsq_f32(c, a, b); }
  static V round(V a) { return vrndnq_f32(a); }
  // 2^k for an integer k in [-127, 127]; 0 for k = -127.
  static V power_of_two(V k) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(k), vdupq_n_s32(127)), 23));
  }
  static bool any_less(V a, V b) { return vmaxvq_u32(vcltq_f32(a, b)) != 0; }
  static float sum(V a) { return vaddvq_f32(a); }
  static float largest(V a) { return vmaxvq_f32(a); }
  static void prefetch(const float* p) { __builtin_prefetch(p); }
};

}  // namespace stillvec::kernels::neon

#endif
