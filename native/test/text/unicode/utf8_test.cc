#include "text/unicode/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace stillvec::text::utf8 {
namespace {

std::u32string decode_all(std::string_view text) {
  std::u32string out;
  const std::uint8_t* const end = bytes(text) + text.size();
  for (const std::uint8_t* at = bytes(text); at < end;) {
    const Decoded next = decode(at, end);
    out.push_back(next.code_point);
    at += next.size;
  }
  return out;
}

TEST(Utf8, EveryCodePointComesBack) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::uint8_t buffer[4];
    const unsigned size = encode(c, buffer);
    const Decoded forward = decode(buffer, buffer + size);
    ASSERT_EQ(forward.code_point, c);
    ASSERT_EQ(forward.size, size);
    const Decoded backward = decode_before(buffer, buffer + size);
    ASSERT_EQ(backward.code_point, c);
    ASSERT_EQ(backward.size, size);
  }
}

// The examples of the Unicode standard, section 3.9: one U+FFFD for each maximal subpart.
TEST(Utf8, IllFormedBytes) {
  const std::u32string r(1, kReplacement);
  EXPECT_EQ(decode_all("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), r + r + r + r + r + r + r + r + U"A");
  EXPECT_EQ(decode_all("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), r + r + r + r + r + r + r + r + U"A");
  EXPECT_EQ(decode_all("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), r + r + r + r + r + U"A" + r + r + U"B");
  EXPECT_EQ(decode_all("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), r + r + r + r + U"A");
  EXPECT_EQ(decode_all("a\xe2\x82"), U"a" + r);
  EXPECT_EQ(decode_all("a\xf0\x9f\x98"), U"a" + r);
  EXPECT_EQ(decode_all("\xf5\x80"), r + r);
}

TEST(Utf8, BackwardsThroughIllFormedBytes) {
  const std::string_view text = "\xc3\xa9\x80\x80\x80\x80";
  const Decoded last = decode_before(bytes(text), bytes(text) + text.size());
  EXPECT_EQ(last.code_point, kReplacement);
  EXPECT_EQ(last.size, 1u);
}

}  // namespace
}  // namespace stillvec::text::utf8
