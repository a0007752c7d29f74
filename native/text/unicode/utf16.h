#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "text/unicode/utf8.h"

// Strings as JavaScript has them, made UTF-8.
namespace stillvec::text::utf16 {

// No less than the bytes that `units` take as UTF-8, and exactly those where no surrogates are paired.
inline std::size_t utf8_size_bound(std::span<const char16_t> units) {
  std::size_t bytes = units.size();
  for (const char16_t unit : units) bytes += (unit >= 0x80) + (unit >= 0x800);
  return bytes;
}

// Writes `units` as UTF-8 to `out`, which has room for utf8_size_bound(units); returns how many bytes were written. A
// surrogate without its other half reads as U+FFFD.
inline std::size_t to_utf8(std::span<const char16_t> units, std::uint8_t* out) {
  constexpr std::size_t kBlock = 32;
  const std::uint8_t* const begin = out;
  const char16_t* at = units.data();
  const char16_t* const end = at + units.size();
  while (at < end) {
    if (static_cast<std::size_t>(end - at) >= kBlock) {
      unsigned all = 0;
      for (std::size_t i = 0; i < kBlock; ++i) all |= at[i];
      if (all < 0x80) {
        for (std::size_t i = 0; i < kBlock; ++i) out[i] = static_cast<std::uint8_t>(at[i]);
        at += kBlock;
        out += kBlock;
        continue;
      }
    }
    // A block, or what is left, one by one.
    const char16_t* const stop = static_cast<std::size_t>(end - at) < kBlock ? end : at + kBlock;
    while (at < stop) {
      char32_t c = *at++;
      const bool leads = c >= 0xd800 && c < 0xdc00;
      if (leads && at < end && *at >= 0xdc00 && *at < 0xe000) {
        c = 0x10000 + ((c & 0x3ff) << 10) + (*at++ & 0x3ffu);
      } else if (c >= 0xd800 && c < 0xe000) {
        c = utf8::kReplacement;
      }
      out += utf8::encode(c, out);
    }
  }
  return static_cast<std::size_t>(out - begin);
}

}  // namespace stillvec::text::utf16
