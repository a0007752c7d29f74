#pragma once

#include <cstdint>

// A set of ASCII bytes as two look-ups of 16 bytes, the form that byte shuffles take: `byte` is in the set when
// kSet[byte & 15] & kHighNibbleBit[byte >> 4] is not 0. Bytes from 0x80 are in none.
namespace stillvec::kernels::nibbles {

alignas(16) inline constexpr std::uint8_t kHighNibbleBit[16] = {1, 2, 4, 8, 16, 32, 64, 128};

// '\t' '\n' '\r' ' '
alignas(16) inline constexpr std::uint8_t kSpaces[16] = {0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x01, 0, 0, 0x01, 0, 0};

// The spaces, and the punctuation: 21-2F, 3A-40, 5B-60, 7B-7E.
alignas(16) inline constexpr std::uint8_t kSpacesAndPunctuation[16] = {0x54, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
                                                                       0x04, 0x05, 0x0d, 0xac, 0xac, 0xad, 0xac, 0x2c};

}  // namespace stillvec::kernels::nibbles
