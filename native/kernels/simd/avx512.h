#pragma once

#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // false ones from GCC 12's own AVX-512 header (bug 105593)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {

struct Floats {
  using V = __m512;
  static constexpr std::size_t kLanes = 16;

  static V zero() { return _mm512_setzero_ps(); }
  static V set(float x) { return _mm512_set1_ps(x); }
  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static V load_partial(const float* p, std::size_t n, float fill) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), first(n), p);
  }
  static void store(float* p, V a) { _mm512_storeu_ps(p, a); }
  static void store_partial(float* p, V a, std::size_t n) { _mm512_mask_storeu_ps(p, first(n), a); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V sub(V a, V b) { return _mm512_sub_ps(a, b); }
  static V mul(V a, V b) { return _mm512_mul_ps(a, b); }
  static V div(V a, V b) { return _mm512_div_ps(a, b); }
  static V sqrt(V a) { return _mm512_sqrt_ps(a); }
  static V max(V a, V b) { return _mm512_max_ps(a, b); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static V fnma(V a, V b, V c) { return _mm512_fnmadd_ps(a, b, c); }
  static V round(V a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // 2^k for an integer k in [-127, 127]; 0 for k = -127.
  static V power_of_two(V k) {
    const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(k), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
  }
  static bool any_less(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) != 0; }
  static float sum(V a) { return _mm512_reduce_add_ps(a); }
  static float largest(V a) { return _mm512_reduce_max_ps(a); }
  static void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }

 private:
  static __mmask16 first(std::size_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
};

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
