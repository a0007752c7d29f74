#include "text/wordpiece/wordpiece.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace stillvec::text {
namespace {

using Ids = std::vector<std::uint32_t>;

Ids tokenize(const WordPiece& model, std::string_view word) {
  Ids ids;
  const std::vector<std::uint8_t> bytes(word.begin(), word.end());
  model.tokenize(std::span<const std::uint8_t>(bytes), ids);
  const std::u32string code_points(word.begin(), word.end());
  Ids again;
  model.tokenize(std::span<const char32_t>(code_points), again);
  EXPECT_EQ(ids, again) << word;
  return ids;
}

TEST(WordPiece, LongestMatchFirst) {
  const auto model = WordPiece::create({"[UNK]", "un", "unaff", "##aff", "##able", "##ab", "a"}, {"[UNK]", "##", 100});
  ASSERT_TRUE(model.is_ok());
  EXPECT_EQ(tokenize(model.value(), "unaffable"), (Ids{2, 4}));
  EXPECT_EQ(tokenize(model.value(), "unable"), (Ids{1, 4}));
  EXPECT_EQ(tokenize(model.value(), "unafx"), (Ids{0})) << "a word that ends badly is unknown as a whole";
  EXPECT_EQ(tokenize(model.value(), "affable"), (Ids{0})) << "a continuing piece cannot begin a word";
}

TEST(WordPiece, LengthsAreCodePoints) {
  const auto model = WordPiece::create({"[UNK]", "\u00e9", "##\u00e9"}, {"[UNK]", "##", 3});
  ASSERT_TRUE(model.is_ok());
  Ids ids;
  model.value().tokenize(std::span<const char32_t>(std::u32string(3, U'\u00e9')), ids);
  EXPECT_EQ(ids, (Ids{1, 2, 2}));
  ids.clear();
  model.value().tokenize(std::span<const char32_t>(std::u32string(4, U'\u00e9')), ids);
  EXPECT_EQ(ids, (Ids{0}));
}

TEST(WordPiece, OtherPrefixes) {
  const auto none = WordPiece::create({"[UNK]", "a", "b"}, {"[UNK]", "", 100});
  ASSERT_TRUE(none.is_ok());
  EXPECT_EQ(tokenize(none.value(), "abba"), (Ids{1, 2, 2, 1}));
  const auto unused = WordPiece::create({"[UNK]", "a", "##a"}, {"[UNK]", "@@", 100});
  ASSERT_TRUE(unused.is_ok());
  EXPECT_EQ(tokenize(unused.value(), "aa"), (Ids{0}));
}

TEST(WordPiece, Errors) {
  const auto twice = WordPiece::create({"[UNK]", "a", "b", "a"}, {"[UNK]", "##", 100});
  ASSERT_FALSE(twice.is_ok());
  EXPECT_EQ(twice.status().code, Code::kInvalidArgument);
  EXPECT_NE(twice.status().message.find("token a"), std::string::npos);
  const auto no_unk = WordPiece::create({"a"}, {"[UNK]", "##", 100});
  ASSERT_FALSE(no_unk.is_ok());
  EXPECT_NE(no_unk.status().message.find("unk_token"), std::string::npos);
  EXPECT_TRUE(WordPiece::create({"[UNK]", "", "", "a"}, {"[UNK]", "##", 100}).is_ok()) << "holes are no tokens";
}

// Against the definition, with a map.
TEST(WordPiece, RandomVocabularies) {
  std::mt19937 random(5);
  const auto random_word = [&](std::size_t longest) {
    std::string word;
    for (std::size_t i = 1 + random() % longest; i > 0; --i) word.push_back(static_cast<char>('a' + random() % 3));
    return word;
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> vocabulary = {"[UNK]"};
    std::map<std::string, std::uint32_t> ids = {{"[UNK]", 0}};
    for (int i = 0; i < 60; ++i) {
      std::string token = (random() % 2 ? "##" : "") + random_word(6);
      if (ids.emplace(token, vocabulary.size()).second) vocabulary.push_back(token);
    }
    const auto model = WordPiece::create(vocabulary, {"[UNK]", "##", 20});
    ASSERT_TRUE(model.is_ok());
    for (int i = 0; i < 200; ++i) {
      const std::string word = random_word(24);
      Ids expected;
      for (std::size_t start = 0; start < word.size();) {
        std::size_t size = word.size() - start;
        const auto token = [&] { return (start > 0 ? "##" : "") + word.substr(start, size); };
        while (size > 0 && !ids.contains(token())) --size;
        if (size == 0 || word.size() > 20) {
          expected = {0};
          break;
        }
        expected.push_back(ids[token()]);
        start += size;
      }
      EXPECT_EQ(tokenize(model.value(), word), expected) << word;
    }
  }
}

}  // namespace
}  // namespace stillvec::text
