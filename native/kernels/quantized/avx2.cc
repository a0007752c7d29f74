#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <immintrin.h>

#include <cstring>

#include "kernels/quantized/quantized.h"

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {
namespace {

// The last n bytes, n < 32, and zeros behind them.
__m256i load_first(const void* bytes, std::size_t n) {
  alignas(32) char padded[32] = {};
  std::memcpy(padded, bytes, n);
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(padded));
}

__m256i load(const void* bytes) { return _mm256_loadu_si256(static_cast<const __m256i*>(bytes)); }

// The sum of eight i32.
std::int32_t total_of(__m256i x) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

// i16 pairs of the lower and of the upper half: their products fit into i32.
struct Dot {
  static __m256i add(__m256i sum, __m256i a, __m256i b) {
    const __m256i low = _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_castsi256_si128(a)),
                                          _mm256_cvtepi8_epi16(_mm256_castsi256_si128(b)));
    const __m256i high = _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm256_extracti128_si256(a, 1)),
                                           _mm256_cvtepi8_epi16(_mm256_extracti128_si256(b, 1)));
    return _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
  }
};

// The bits of each half of a byte come from a table (Mula, Kurz and Lemire 2018); the sums of eight bytes lie in the
// lower half of an i64.
struct Hamming {
  static __m256i add(__m256i sum, __m256i a, __m256i b) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(0x0f), differing = _mm256_xor_si256(a, b);
    const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(differing, nibble));
    const __m256i high = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(differing, 4), nibble));
    return _mm256_add_epi32(sum, _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256()));
  }
};

template <typename Sum, typename Byte>
void tile(const Byte* const a[4], const Byte* const b[4], std::size_t n, std::int32_t out[16]) {
  constexpr std::size_t kBytes = 32;
  for (int j = 0; j < 4; ++j) {  // 4 of the 16 registers are sums; all 16 would leave none for the rows
    __m256i sums[4];
    for (int i = 0; i < 4; ++i) sums[i] = _mm256_setzero_si256();
    std::size_t c = 0;
    for (; c + kBytes <= n; c += kBytes) {
      const __m256i right = load(b[j] + c);
      for (int i = 0; i < 4; ++i) sums[i] = Sum::add(sums[i], load(a[i] + c), right);
    }
    if (c < n) {
      const __m256i right = load_first(b[j] + c, n - c);
      for (int i = 0; i < 4; ++i) sums[i] = Sum::add(sums[i], load_first(a[i] + c, n - c), right);
    }
    for (int i = 0; i < 4; ++i) out[4 * i + j] = total_of(sums[i]);
  }
}

}  // namespace

const QuantizedKernels kQuantized = {.dot_tile = tile<Dot>, .hamming_tile = tile<Hamming>};

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
