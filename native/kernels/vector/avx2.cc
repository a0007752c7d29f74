#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <immintrin.h>

#include "kernels/vector/vector.h"

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {
namespace {

constexpr std::size_t kLanes = 8;

// All ones in the lanes of the last n values, n < 8.
__m256i first_lanes(std::size_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
}

float total_of(__m256 x) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// Values beyond the end are loaded as zeros, and contribute a zero term.
struct Dot {
  static __m256 add(__m256 sum, __m256 a, __m256 b) { return _mm256_fmadd_ps(a, b, sum); }
};
struct SquaredDistance {
  static __m256 add(__m256 sum, __m256 a, __m256 b) {
    const __m256 d = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(d, d, sum);
  }
};
struct L1Distance {
  static __m256 add(__m256 sum, __m256 a, __m256 b) {
    return _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_sub_ps(a, b)));
  }
};

template <typename Measure>
float sum(const float* a, const float* b, std::size_t n) {
  constexpr int kChains = 4;  // hides the latency of the additions
  __m256 sums[kChains];
  for (int c = 0; c < kChains; ++c) sums[c] = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int c = 0; c < kChains; ++c) {
      sums[c] = Measure::add(sums[c], _mm256_loadu_ps(a + i + c * kLanes), _mm256_loadu_ps(b + i + c * kLanes));
    }
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = Measure::add(sums[0], _mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
  if (i < n) {
    const __m256i lanes = first_lanes(n - i);
    sums[1] = Measure::add(sums[1], _mm256_maskload_ps(a + i, lanes), _mm256_maskload_ps(b + i, lanes));
  }
  return total_of(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
}

// 4 rows against 2: 8 of the 16 registers are sums.
template <typename Measure>
void half_tile(const float* const a[4], const float* b0, const float* b1, std::size_t n, float* out) {
  __m256 sums[4][2];
  for (int i = 0; i < 4; ++i) sums[i][0] = sums[i][1] = _mm256_setzero_ps();
  std::size_t k = 0;
  for (; k + kLanes <= n; k += kLanes) {
    const __m256 right0 = _mm256_loadu_ps(b0 + k), right1 = _mm256_loadu_ps(b1 + k);
    for (int i = 0; i < 4; ++i) {
      const __m256 left = _mm256_loadu_ps(a[i] + k);
      sums[i][0] = Measure::add(sums[i][0], left, right0);
      sums[i][1] = Measure::add(sums[i][1], left, right1);
    }
  }
  if (k < n) {
    const __m256i lanes = first_lanes(n - k);
    const __m256 right0 = _mm256_maskload_ps(b0 + k, lanes), right1 = _mm256_maskload_ps(b1 + k, lanes);
    for (int i = 0; i < 4; ++i) {
      const __m256 left = _mm256_maskload_ps(a[i] + k, lanes);
      sums[i][0] = Measure::add(sums[i][0], left, right0);
      sums[i][1] = Measure::add(sums[i][1], left, right1);
    }
  }
  for (int i = 0; i < 4; ++i) {
    out[4 * i] = total_of(sums[i][0]);
    out[4 * i + 1] = total_of(sums[i][1]);
  }
}

template <typename Measure>
void tile(const float* const a[4], const float* const b[4], std::size_t n, float out[16]) {
  half_tile<Measure>(a, b[0], b[1], n, out);
  half_tile<Measure>(a, b[2], b[3], n, out + 2);
}

void scale(const float* x, float factor, std::size_t n, float* out) {
  const __m256 factors = _mm256_set1_ps(factor);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), factors));
  for (; i < n; ++i) out[i] = x[i] * factor;
}

void extend_range(const float* x, std::size_t n, float* min, float* max) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const __m256 values = _mm256_loadu_ps(x + i);
    // Of a NaN and a number, MINPS and MAXPS return the second operand.
    _mm256_storeu_ps(min + i, _mm256_min_ps(values, _mm256_loadu_ps(min + i)));
    _mm256_storeu_ps(max + i, _mm256_max_ps(values, _mm256_loadu_ps(max + i)));
  }
  for (; i < n; ++i) {
    min[i] = x[i] < min[i] ? x[i] : min[i];
    max[i] = x[i] > max[i] ? x[i] : max[i];
  }
}

std::size_t select(const float* x, std::size_t n, float floor, std::uint32_t* out) {
  const __m256 floors = _mm256_set1_ps(floor);
  std::size_t count = 0, i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const __m256 picks = _mm256_cmp_ps(_mm256_loadu_ps(x + i), floors, _CMP_NLT_UQ);
    for (unsigned picked = static_cast<unsigned>(_mm256_movemask_ps(picks)); picked != 0; picked &= picked - 1) {
      out[count++] = static_cast<std::uint32_t>(i) + _tzcnt_u32(picked);
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
  for (; i + kLanes <= n; i += kLanes) {
    const __m256 offset = _mm256_sub_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(min + i));
    const __m256 q = _mm256_div_ps(offset, _mm256_loadu_ps(step + i));
    const __m256 clipped = _mm256_min_ps(_mm256_max_ps(q, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
    const __m256i words = _mm256_cvttps_epi32(clipped);
    const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    const __m128i bytes = _mm_xor_si128(_mm_packus_epi16(halves, halves), _mm_set1_epi8(static_cast<char>(flip)));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), bytes);
  }
  for (; i < n; ++i) {
    const float q = (x[i] - min[i]) / step[i];
    const float clipped = q > 0.0f ? (q < 255.0f ? q : 255.0f) : 0.0f;
    out[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(clipped) ^ flip);
  }
}

void pack_signs(const float* x, std::size_t n, std::uint8_t flip, std::uint8_t* out) {
  const __m256i order = _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0);  // the first value's bit comes out highest
  for (std::size_t i = 0; i < n; i += kLanes) {
    const __m256 loaded = n - i < kLanes ? _mm256_maskload_ps(x + i, first_lanes(n - i)) : _mm256_loadu_ps(x + i);
    const __m256 values = _mm256_permutevar8x32_ps(loaded, order);
    const int bits = _mm256_movemask_ps(_mm256_cmp_ps(values, _mm256_setzero_ps(), _CMP_GT_OQ));
    *out++ = static_cast<std::uint8_t>(static_cast<unsigned>(bits) ^ flip);
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

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
