#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own intrinsics (bug 105593)
#endif
#include <immintrin.h>

#include "kernels/quantized/quantized.h"

STILLVEC_BEGIN_AVX512_VNNI
namespace stillvec::kernels::avx512 {
namespace {

// The last n bytes, n < 64.
__mmask64 first_bytes(std::size_t n) { return (__mmask64{1} << n) - 1u; }

// The sums of the i32 of four vectors.
__m128i totals_of(const __m512i sums[4]) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(sums[0], sums[1]), _mm512_unpackhi_epi32(sums[0], sums[1]));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(sums[2], sums[3]), _mm512_unpackhi_epi32(sums[2], sums[3]));
  const __m512i abcd = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i two = _mm256_add_epi32(_mm512_castsi512_si256(abcd), _mm512_extracti64x4_epi64(abcd, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
}

// The rows' bytes from `c` on, those beyond the end as zeros.
struct WholeVectors {
  static __m512i load(const void* bytes, std::size_t) { return _mm512_loadu_si512(bytes); }
};
struct LastVector {
  static __m512i load(const void* bytes, std::size_t n) { return _mm512_maskz_loadu_epi8(first_bytes(n), bytes); }
};

// VPDPBUSD multiplies u8 by i8: (a + 128) * b, and 128 times the sum of b's values has to be taken off again.
template <typename Load>
void add_products(const std::int8_t* const a[4], const std::int8_t* const b[4], std::size_t c, std::size_t n,
                  __m512i sums[4][4], __m512i rights[4]) {
  const __m512i flips = _mm512_set1_epi8(static_cast<char>(0x80)), ones = _mm512_set1_epi8(1);
  __m512i right[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    right[j] = Load::load(b[j] + c, n);
    rights[j] = _mm512_dpbusd_epi32(rights[j], ones, right[j]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512i left = _mm512_xor_si512(Load::load(a[i] + c, n), flips);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], left, right[j]);
  }
}

void dot_tile(const std::int8_t* const a[4], const std::int8_t* const b[4], std::size_t n, std::int32_t out[16]) {
  __m512i sums[4][4], rights[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    rights[j] = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sums[i][j] = _mm512_setzero_si512();
  }
  std::size_t c = 0;
  for (; c + 64 <= n; c += 64) add_products<WholeVectors>(a, b, c, 64, sums, rights);
  if (c < n) add_products<LastVector>(a, b, c, n - c, sums, rights);
  const __m128i excess = _mm_slli_epi32(totals_of(rights), 7);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4 * i), _mm_sub_epi32(totals_of(sums[i]), excess));
  }
}

// The sums are i64, whose upper halves stay 0.
template <typename Load>
void add_differing(const std::uint8_t* const a[4], const std::uint8_t* const b[4], std::size_t c, std::size_t n,
                   __m512i sums[4][4]) {
  __m512i right[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) right[j] = Load::load(b[j] + c, n);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512i left = Load::load(a[i] + c, n);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      sums[i][j] = _mm512_add_epi64(sums[i][j], _mm512_popcnt_epi64(_mm512_xor_si512(left, right[j])));
    }
  }
}

void hamming_tile(const std::uint8_t* const a[4], const std::uint8_t* const b[4], std::size_t n, std::int32_t out[16]) {
  __m512i sums[4][4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sums[i][j] = _mm512_setzero_si512();
  }
  std::size_t c = 0;
  for (; c + 64 <= n; c += 64) add_differing<WholeVectors>(a, b, c, 64, sums);
  if (c < n) add_differing<LastVector>(a, b, c, n - c, sums);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4 * i), totals_of(sums[i]));
}

}  // namespace

const QuantizedKernels kQuantized = {.dot_tile = dot_tile, .hamming_tile = hamming_tile};

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
