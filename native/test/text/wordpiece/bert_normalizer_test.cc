#include "text/wordpiece/bert_normalizer.h"

#include <gtest/gtest.h>

#include <random>

#include "test/text/samples.h"

using namespace std::string_view_literals;

namespace stillvec::text {
namespace {

std::u32string run(const std::optional<BertNormalizer>& normalizer, std::string_view text) {
  std::u32string out;
  normalize(normalizer, text, out);
  return out;
}

const BertNormalizer kNothing = {false, false, false, false};

BertNormalizer only(bool BertNormalizer::* flag) {
  BertNormalizer normalizer = kNothing;
  normalizer.*flag = true;
  return normalizer;
}

BertNormalizer only_strip() {
  BertNormalizer normalizer = kNothing;
  normalizer.strip_accents = true;
  return normalizer;
}

TEST(BertNormalizer, NothingToDo) {
  const std::string_view text = "\tA\u00e9\u0130\ufffd\u4e00\u0301";
  EXPECT_EQ(run(std::nullopt, text), U"\tA\u00e9\u0130\ufffd\u4e00\u0301");
  EXPECT_EQ(run(kNothing, text), U"\tA\u00e9\u0130\ufffd\u4e00\u0301");
}

TEST(BertNormalizer, CleanText) {
  const BertNormalizer clean = only(&BertNormalizer::clean_text);
  EXPECT_EQ(run(clean,
                "a\0b\x01\x0b\x0c\x7f\u0085\u00ad\u200d\ufeff\ufffd\ue000"
                "c"sv),
            U"abc");
  EXPECT_EQ(run(clean, "\t\n\r \u00a0\u2003\u2028\u3000"), U"        ");
  EXPECT_EQ(run(clean, "\u0378\U0001fa5f"), U"\u0378\U0001fa5f") << "unassigned code points stay";
  EXPECT_EQ(run(clean, "a\xff"), U"a") << "ill-formed bytes read as U+FFFD, which goes";
}

TEST(BertNormalizer, IdeographsStandAlone) {
  const BertNormalizer isolate = only(&BertNormalizer::handle_chinese_chars);
  EXPECT_EQ(run(isolate, "a\u4e00\u4e01"), U"a \u4e00  \u4e01 ");
  EXPECT_EQ(run(isolate, "\U0002b81f\U0002b820\U0002b91f\U0002b920"), U" \U0002b81f \U0002b820\U0002b91f \U0002b920 ")
      << "the reference has 2B920 where the original has 2B820";
  EXPECT_EQ(run(isolate, "\u3042\uac00\u3005"), U"\u3042\uac00\u3005");
}

TEST(BertNormalizer, StripAccents) {
  EXPECT_EQ(run(only_strip(), "\u00e9e\u0301\u1e69"), U"ees");
  EXPECT_EQ(run(only_strip(), "\uac01"), U"\u1100\u1161\u11a8") << "Hangul comes apart";
  EXPECT_EQ(run(only_strip(), "\u0903"), U"\u0903") << "a spacing mark stays";
  EXPECT_EQ(run(only_strip(), "\u1df6\u0898"), U"\u1df6\u0898") << "marks newer than the reference's tables stay";
  EXPECT_EQ(run(only_strip(), "\uf900"), U"\u8c48");
}

TEST(BertNormalizer, MarksThatStayAreOrdered) {
  // U+08D4 has class 230, U+302E 224 and U+1B44 9; U+0301 goes, but does not part them.
  EXPECT_EQ(run(only_strip(), "a\u08d4\u0301\u302e\u1b44"), U"a\u1b44\u302e\u08d4");
  EXPECT_EQ(run(only_strip(), "a\u08d4b\u302e"), U"a\u08d4b\u302e") << "not across a letter";
  EXPECT_EQ(run(only_strip(), "a\u08d4\u0901\u302e"), U"a\u08d4\u302e") << "nor across a mark of class 0 that goes";
}

TEST(BertNormalizer, Lowercase) {
  const BertNormalizer lower = [] {
    BertNormalizer normalizer = kNothing;
    normalizer.lowercase = true;  // strip_accents stays false: absent, it would follow
    return normalizer;
  }();
  EXPECT_EQ(run(lower, "A\u00c9\u03a3"), U"a\u00e9\u03c3") << "no final sigma";
  EXPECT_EQ(run(lower, "\u0130"), U"i\u0307");
  EXPECT_EQ(run(BertNormalizer{}, "\u0130\u00c9"), U"ie") << "strip_accents follows lowercase";
}

TEST(BertNormalizer, LongRunsOfMarksTakeNoQuadraticTime) {
  std::string text = "a";
  for (int i = 0; i < 200000; ++i) text += i % 2 ? "\u302e" : "\u08d4";
  const std::u32string out = run(only_strip(), text);
  EXPECT_EQ(out.size(), 200001u);
  EXPECT_EQ(out[1], U'\u302e');
  EXPECT_EQ(out.back(), U'\u08d4');
}

// What CachedBert rests on.
TEST(BertNormalizer, PartsBetweenSeparatorsCanBeNormalizedAlone) {
  std::mt19937 random(3);
  for (const auto& normalizer : test::normalizers()) {
    for (int round = 0; round < 200; ++round) {
      const std::string a = test::random_text(random, 5), b = test::random_text(random, 5);
      for (const char* separator : {" ", ".", "\n"}) {
        EXPECT_EQ(run(normalizer, a + separator + b),
                  run(normalizer, a) + run(normalizer, separator) + run(normalizer, b));
      }
    }
  }
}

}  // namespace
}  // namespace stillvec::text
