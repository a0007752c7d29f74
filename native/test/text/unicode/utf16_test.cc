#include "text/unicode/utf16.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace stillvec::text {
namespace {

std::string converted(std::u16string_view text) {
  // Exactly as large as promised, so that a sanitizer sees a byte too many.
  std::vector<std::uint8_t> bytes(utf16::utf8_size_bound(text));
  bytes.resize(utf16::to_utf8(text, bytes.data()));
  return {bytes.begin(), bytes.end()};
}

TEST(Utf16, EveryCodePoint) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::u16string units;
    if (c < 0x10000) {
      units += static_cast<char16_t>(c);
    } else {
      units += static_cast<char16_t>(0xd800 + ((c - 0x10000) >> 10));
      units += static_cast<char16_t>(0xdc00 + (c & 0x3ff));
    }
    std::string expected;
    utf8::append(c, expected);
    ASSERT_EQ(converted(units), expected) << "U+" << std::hex << static_cast<std::uint32_t>(c);
  }
}

TEST(Utf16, SurrogatesWithoutTheirHalf) {
  const std::string replacement = "\xef\xbf\xbd";
  EXPECT_EQ(converted(u"\xd800"), replacement);
  EXPECT_EQ(converted(u"a\xdc00z"), "a" + replacement + "z");
  EXPECT_EQ(converted(u"\xdc00\xd800"), replacement + replacement);
  EXPECT_EQ(converted(u"\xd83d\xd83d\xde00"), replacement + "\xf0\x9f\x98\x80");
}

// Of any length, and with what is not ASCII at any place: blocks of ASCII are taken at once.
TEST(Utf16, EqualToOneByOne) {
  std::mt19937 random(7);
  const std::vector<std::u16string> kinds = {u"a", u"\u00e9", u"\u6f22", u"\xd83d\xde00", u"\xd83d", u"\xde00"};
  for (int round = 0; round < 20000; ++round) {
    std::u16string text;
    std::string expected;
    const std::size_t parts = random() % 80;
    for (std::size_t i = 0; i < parts; ++i) {
      const std::size_t kind = random() % 8 != 0 ? 0 : random() % kinds.size();
      // Two halves that meet would be a pair.
      if (kind == 5 && !text.empty() && (text.back() & 0xfc00) == 0xd800) continue;
      text += kinds[kind];
      expected += converted(kinds[kind]);
    }
    ASSERT_EQ(converted(text), expected);
  }
}

}  // namespace
}  // namespace stillvec::text
