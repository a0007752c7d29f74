#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own intrinsics (bug 105593)
#endif
#include <immintrin.h>

#include "kernels/vector/vector.h"

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {
namespace {

constexpr std::size_t kLanes = 16;

// The lanes of the last n values, n < 16.
__mmask16 first_lanes(std::size_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

// Values beyond the end are loaded as zeros, and contribute a zero term.
struct Dot {
  static __m512 add(__m512 sum, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, sum); }
};
struct SquaredDistance {
  static __m512 add(__m512 sum, __m512 a, __m512 b) {
    const __m512 d = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(d, d, sum);
  }
};
struct L1Distance {
  static __m512 add(__m512 sum, __m512 a, __m512 b) { return _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(a, b))); }
};

template <typename Measure>
float sum(const float* a, const float* b, std::size_t n) {
  constexpr int kChains = 4;  // hides the latency of the additions
  __m512 sums[kChains];
  for (int c = 0; c < kChains; ++c) sums[c] = _mm512_setzero_ps();
  std::size_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int c = 0; c < kChains; ++c) {
      sums[c] = Measure::add(sums[c], _mm512_loadu_ps(a + i + c * kLanes), _mm512_loadu_ps(b + i + c * kLanes));
    }
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = Measure::add(sums[0], _mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
  if (i < n) {
    const __mmask16 lanes = first_lanes(n - i);
    sums[1] = Measure::add(sums[1], _mm512_maskz_loadu_ps(lanes, a + i), _mm512_maskz_loadu_ps(lanes, b + i));
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

template <typename Measure>
void tile(const float* const a[4], const float* const b[4], std::size_t n, float out[16]) {
  __m512 sums[4][4];
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) sums[i][j] = _mm512_setzero_ps();
  }
  std::size_t k = 0;
  for (; k + kLanes <= n; k += kLanes) {
    __m512 right[4];
    for (int j = 0; j < 4; ++j) right[j] = _mm512_loadu_ps(b[j] + k);
    for (int i = 0; i < 4; ++i) {
      const __m512 left = _mm512_loadu_ps(a[i] + k);
      for (int j = 0; j < 4; ++j) sums[i][j] = Measure::add(sums[i][j], left, right[j]);
    }
  }
  if (k < n) {
    const __mmask16 lanes = first_lanes(n - k);
    __m512 right[4];
    for (int j = 0; j < 4; ++j) right[j] = _mm512_maskz_loadu_ps(lanes, b[j] + k);
    for (int i = 0; i < 4; ++i) {
      const __m512 left = _mm512_maskz_loadu_ps(lanes, a[i] + k);
      for (int j = 0; j < 4; ++j) sums[i][j] = Measure::add(sums[i][j], left, right[j]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) out[4 * i + j] = _mm512_reduce_add_ps(sums[i][j]);
  }
}

void scale(const float* x, float factor, std::size_t n, float* out) {
  const __m512 factors = _mm512_set1_ps(factor);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) _mm512_storeu_ps(out + i, _mm512_mul_ps(_mm512_loadu_ps(x + i), factors));
  if (i < n) {
    const __mmask16 lanes = first_lanes(n - i);
    _mm512_mask_storeu_ps(out + i, lanes, _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), factors));
  }
}

void extend_range(const float* x, std::size_t n, float* min, float* max) {
  // Of a NaN and a number, MINPS and MAXPS return the second operand.
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const __m512 values = _mm512_loadu_ps(x + i);
    _mm512_storeu_ps(min + i, _mm512_min_ps(values, _mm512_loadu_ps(min + i)));
    _mm512_storeu_ps(max + i, _mm512_max_ps(values, _mm512_loadu_ps(max + i)));
  }
  if (i < n) {
    const __mmask16 lanes = first_lanes(n - i);
    const __m512 values = _mm512_maskz_loadu_ps(lanes, x + i);
    _mm512_mask_storeu_ps(min + i, lanes, _mm512_min_ps(values, _mm512_maskz_loadu_ps(lanes, min + i)));
    _mm512_mask_storeu_ps(max + i, lanes, _mm512_max_ps(values, _mm512_maskz_loadu_ps(lanes, max + i)));
  }
}

std::size_t select(const float* x, std::size_t n, float floor, std::uint32_t* out) {
  const __m512 floors = _mm512_set1_ps(floor);
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; i += kLanes) {
    const __mmask16 lanes = n - i < kLanes ? first_lanes(n - i) : __mmask16{0xffff};
    const __m512 values = _mm512_maskz_loadu_ps(lanes, x + i);
    unsigned picked = _mm512_mask_cmp_ps_mask(lanes, values, floors, _CMP_NLT_UQ);
    for (; picked != 0; picked &= picked - 1) {
      out[count++] = static_cast<std::uint32_t>(i) + _tzcnt_u32(picked);
    }
  }
  return count;
}

void quantize(const float* x, const float* min, const float* step, std::size_t n, std::uint8_t flip,
              std::uint8_t* out) {
  const __m128i flips = _mm_set1_epi8(static_cast<char>(flip));
  for (std::size_t i = 0; i < n; i += kLanes) {
    const __mmask16 lanes = n - i < kLanes ? first_lanes(n - i) : __mmask16{0xffff};
    const __m512 offset = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + i), _mm512_maskz_loadu_ps(lanes, min + i));
    const __m512 q = _mm512_maskz_div_ps(lanes, offset, _mm512_maskz_loadu_ps(lanes, step + i));
    const __m512 clipped = _mm512_min_ps(_mm512_max_ps(q, _mm512_setzero_ps()), _mm512_set1_ps(255.0f));
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(clipped));
    _mm_mask_storeu_epi8(out + i, lanes, _mm_xor_si128(bytes, flips));
  }
}

void pack_signs(const float* x, std::size_t n, std::uint8_t flip, std::uint8_t* out) {
  // Lanes reversed within each eight, so that a comparison's bits come out highest first.
  const __m512i order = _mm512_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  for (std::size_t i = 0; i < n; i += kLanes) {
    const __mmask16 lanes = n - i < kLanes ? first_lanes(n - i) : __mmask16{0xffff};
    const __m512 values = _mm512_permutexvar_ps(order, _mm512_maskz_loadu_ps(lanes, x + i));
    const unsigned bits = _mm512_cmp_ps_mask(values, _mm512_setzero_ps(), _CMP_GT_OQ);
    *out++ = static_cast<std::uint8_t>((bits & 0xffu) ^ flip);
    if (n - i > 8) *out++ = static_cast<std::uint8_t>((bits >> 8) ^ flip);
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

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
