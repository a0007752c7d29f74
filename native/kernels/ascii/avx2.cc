#include "kernels/ascii/ascii.h"
#include "kernels/ascii/nibble_tables.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <immintrin.h>

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {
namespace {

struct Tables {
  __m256i high_nibble_bit, spaces, separators;
};

struct Half {
  __m256i folded;
  std::uint32_t spaces, separators;
};

__m256i table(const std::uint8_t* bytes) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(bytes)));
}

std::uint32_t bytes_in(__m256i set, __m256i text, __m256i high_nibble_bit) {
  const __m256i hit = _mm256_and_si256(_mm256_shuffle_epi8(set, text), high_nibble_bit);
  return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(hit, _mm256_setzero_si256())));
}

Half classify_half(__m256i text, __m256i fold_bit, const Tables& tables) {
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), _mm256_set1_epi8(0x0f));
  const __m256i bit = _mm256_shuffle_epi8(tables.high_nibble_bit, high);
  // 'A'...'Z' moved to the bottom of the signed range, where one comparison finds it.
  const __m256i moved = _mm256_sub_epi8(text, _mm256_set1_epi8(static_cast<char>('A' + 128)));
  const __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(-128 + 26), moved);
  return {_mm256_or_si256(text, _mm256_and_si256(upper, fold_bit)), bytes_in(tables.spaces, text, bit),
          bytes_in(tables.separators, text, bit)};
}

void classify(const std::uint8_t* text, std::size_t size, bool fold, std::uint8_t* folded, std::uint64_t* spaces,
              std::uint64_t* letters) {
  const Tables tables = {table(nibbles::kHighNibbleBit), table(nibbles::kSpaces),
                         table(nibbles::kSpacesAndPunctuation)};
  const __m256i fold_bit = _mm256_set1_epi8(fold ? 0x20 : 0);
  alignas(32) std::uint8_t tail[kAsciiBlock];
  for (std::size_t start = 0; start < size; start += kAsciiBlock) {
    const std::uint8_t* block = text + start;
    if (size - start < kAsciiBlock) {
      for (std::size_t i = 0; i < kAsciiBlock; ++i) tail[i] = ' ';
      for (std::size_t i = 0; i < size - start; ++i) tail[i] = block[i];
      block = tail;
    }
    const Half low = classify_half(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block)), fold_bit, tables);
    const Half high = classify_half(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32)), fold_bit, tables);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(folded + start), low.folded);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(folded + start + 32), high.folded);
    spaces[start / kAsciiBlock] = std::uint64_t{high.spaces} << 32 | low.spaces;
    letters[start / kAsciiBlock] = ~(std::uint64_t{high.separators} << 32 | low.separators);
  }
}

}  // namespace

const AsciiKernels kAscii = {classify};

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
