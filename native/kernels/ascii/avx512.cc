#include "kernels/ascii/ascii.h"
#include "kernels/ascii/nibble_tables.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <immintrin.h>

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {
namespace {

__m512i table(const std::uint8_t* bytes) {
  const __m128i once = _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
  return _mm512_maskz_broadcast_i32x4(0xffff, once);  // unmasked, GCC 12 warns of its own header
}

void classify(const std::uint8_t* text, std::size_t size, bool fold, std::uint8_t* folded, std::uint64_t* spaces,
              std::uint64_t* letters) {
  const __m512i high_nibble_bit = table(nibbles::kHighNibbleBit);
  const __m512i space_set = table(nibbles::kSpaces);
  const __m512i separator_set = table(nibbles::kSpacesAndPunctuation);
  const __m512i fold_bit = _mm512_set1_epi8(fold ? 0x20 : 0);
  for (std::size_t start = 0; start < size; start += kAsciiBlock) {
    const std::size_t left = size - start;
    const __mmask64 inside = left < kAsciiBlock ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
    const __m512i block = _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), inside, text + start);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(block, 4), _mm512_set1_epi8(0x0f));
    const __m512i bit = _mm512_shuffle_epi8(high_nibble_bit, high);
    const __mmask64 upper = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));
    const __m512i lower = _mm512_or_si512(block, _mm512_maskz_mov_epi8(upper, fold_bit));
    _mm512_storeu_si512(folded + start, lower);
    spaces[start / kAsciiBlock] = _mm512_test_epi8_mask(_mm512_shuffle_epi8(space_set, block), bit);
    letters[start / kAsciiBlock] = _mm512_testn_epi8_mask(_mm512_shuffle_epi8(separator_set, block), bit);
  }
}

}  // namespace

const AsciiKernels kAscii = {classify};

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
