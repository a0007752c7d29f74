#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace stillvec::text::utf8 {

inline constexpr char32_t kReplacement = 0xfffd;

struct Decoded {
  char32_t code_point;
  unsigned size;  // bytes read, at least 1
};

inline bool is_continuation(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }

// The code point at `p`, where p < end. An ill-formed sequence reads as U+FFFD, once for each maximal subpart, as
// TextDecoder does it (Unicode 15, section 3.9, table 3-8).
inline Decoded decode(const std::uint8_t* p, const std::uint8_t* end) {
  const std::uint8_t lead = *p;
  if (lead < 0x80) return {lead, 1};
  const std::size_t left = static_cast<std::size_t>(end - p);
  if (lead >= 0xc2 && lead < 0xe0) {
    if (left < 2 || !is_continuation(p[1])) return {kReplacement, 1};
    return {(char32_t{lead} & 0x1f) << 6 | (p[1] & 0x3fu), 2};
  }
  if (lead >= 0xe0 && lead < 0xf0) {
    const std::uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;   // no overlong forms
    const std::uint8_t high = lead == 0xed ? 0x9f : 0xbf;  // no surrogates
    if (left < 2 || p[1] < low || p[1] > high) return {kReplacement, 1};
    if (left < 3 || !is_continuation(p[2])) return {kReplacement, 2};
    return {(char32_t{lead} & 0x0f) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu), 3};
  }
  if (lead >= 0xf0 && lead < 0xf5) {
    const std::uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;  // nothing above U+10FFFF
    if (left < 2 || p[1] < low || p[1] > high) return {kReplacement, 1};
    if (left < 3 || !is_continuation(p[2])) return {kReplacement, 2};
    if (left < 4 || !is_continuation(p[3])) return {kReplacement, 3};
    return {(char32_t{lead} & 0x07) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu), 4};
  }
  return {kReplacement, 1};
}

// How many bytes from `p` on are ASCII.
inline std::size_t ascii_run(const std::uint8_t* p, const std::uint8_t* end) {
  const std::uint8_t* const begin = p;
  for (std::uint64_t block; end - p >= static_cast<std::ptrdiff_t>(sizeof block); p += sizeof block) {
    std::memcpy(&block, p, sizeof block);
    if ((block & 0x8080808080808080) != 0) break;
  }
  while (p < end && *p < 0x80) ++p;
  return static_cast<std::size_t>(p - begin);
}

// The code point that ends at `p`, where begin < p.
inline Decoded decode_before(const std::uint8_t* begin, const std::uint8_t* p) {
  const std::uint8_t* lead = p - 1;
  while (lead > begin && p - lead < 4 && is_continuation(*lead)) --lead;
  const Decoded last = decode(lead, p);
  if (lead + last.size == p) return last;
  return {kReplacement, 1};
}

// Writes `c` to `out`, which has room for 4 bytes; returns how many were written.
inline unsigned encode(char32_t c, std::uint8_t* out) {
  if (c < 0x80) {
    out[0] = static_cast<std::uint8_t>(c);
    return 1;
  }
  const auto tail = [](char32_t bits) { return static_cast<std::uint8_t>(0x80 | (bits & 0x3f)); };
  if (c < 0x800) {
    out[0] = static_cast<std::uint8_t>(0xc0 | c >> 6);
    out[1] = tail(c);
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<std::uint8_t>(0xe0 | c >> 12);
    out[1] = tail(c >> 6);
    out[2] = tail(c);
    return 3;
  }
  out[0] = static_cast<std::uint8_t>(0xf0 | c >> 18);
  out[1] = tail(c >> 12);
  out[2] = tail(c >> 6);
  out[3] = tail(c);
  return 4;
}

inline void append(char32_t c, std::string& out) {
  std::uint8_t bytes[4];
  const unsigned size = encode(c, bytes);
  out.append(reinterpret_cast<const char*>(bytes), size);
}

inline const std::uint8_t* bytes(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

}  // namespace stillvec::text::utf8
