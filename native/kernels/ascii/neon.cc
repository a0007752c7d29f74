#include "kernels/ascii/ascii.h"
#include "kernels/ascii/nibble_tables.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

namespace stillvec::kernels::neon {
namespace {

// One bit for each of the 64 bytes, which are 0 or 255: keep bit i % 8 of byte i, then add neighbours three times.
std::uint64_t bits_of(const uint8x16_t bytes[4]) {
  const uint8x16_t place = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t low = vpaddq_u8(vandq_u8(bytes[0], place), vandq_u8(bytes[1], place));
  const uint8x16_t high = vpaddq_u8(vandq_u8(bytes[2], place), vandq_u8(bytes[3], place));
  const uint8x16_t quarters = vpaddq_u8(low, high);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(quarters, quarters)), 0);
}

void classify(const std::uint8_t* text, std::size_t size, bool fold, std::uint8_t* folded, std::uint64_t* spaces,
              std::uint64_t* letters) {
  const uint8x16_t high_nibble_bit = vld1q_u8(nibbles::kHighNibbleBit);
  const uint8x16_t space_set = vld1q_u8(nibbles::kSpaces);
  const uint8x16_t separator_set = vld1q_u8(nibbles::kSpacesAndPunctuation);
  const uint8x16_t fold_bit = vdupq_n_u8(fold ? 0x20 : 0);
  std::uint8_t tail[kAsciiBlock];
  for (std::size_t start = 0; start < size; start += kAsciiBlock) {
    const std::uint8_t* block = text + start;
    if (size - start < kAsciiBlock) {
      for (std::size_t i = 0; i < kAsciiBlock; ++i) tail[i] = ' ';
      for (std::size_t i = 0; i < size - start; ++i) tail[i] = block[i];
      block = tail;
    }
    uint8x16_t is_space[4], is_letter[4];
    for (int i = 0; i < 4; ++i) {
      const uint8x16_t bytes = vld1q_u8(block + 16 * i);
      const uint8x16_t bit = vqtbl1q_u8(high_nibble_bit, vshrq_n_u8(bytes, 4));
      const uint8x16_t low = vandq_u8(bytes, vdupq_n_u8(0x0f));
      is_space[i] = vtstq_u8(vqtbl1q_u8(space_set, low), bit);
      is_letter[i] = vmvnq_u8(vtstq_u8(vqtbl1q_u8(separator_set, low), bit));
      const uint8x16_t upper = vcltq_u8(vsubq_u8(bytes, vdupq_n_u8('A')), vdupq_n_u8(26));
      vst1q_u8(folded + start + 16 * i, vorrq_u8(bytes, vandq_u8(upper, fold_bit)));
    }
    spaces[start / kAsciiBlock] = bits_of(is_space);
    letters[start / kAsciiBlock] = bits_of(is_letter);
  }
}

}  // namespace

const AsciiKernels kAscii = {classify};

}  // namespace stillvec::kernels::neon

#endif
