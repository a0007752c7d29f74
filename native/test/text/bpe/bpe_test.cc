#include "text/bpe/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace stillvec::text {
namespace {

using Ids = std::vector<std::uint32_t>;

Ids tokenize(const WordModel& model, std::string_view piece) {
  Ids ids;
  model.tokenize(piece, *model.make_scratch(), ids);
  return ids;
}

// What the definition says: the pair of the first merge, the leftmost of them, until there is none.
Ids merge_one_by_one(Ids ids, const std::vector<BpeMerge>& merges) {
  for (;;) {
    std::size_t best = merges.size(), at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto merge = std::find_if(merges.begin(), merges.end(), [&](const BpeMerge& candidate) {
        return candidate.left == ids[i] && candidate.right == ids[i + 1];
      });
      const auto rank = static_cast<std::size_t>(merge - merges.begin());
      if (rank >= best) continue;
      best = rank;
      at = i;
    }
    if (best == merges.size()) return ids;
    ids[at] = merges[best].merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, MergesInTheOrderOfTheList) {
  std::mt19937 random(5);
  std::vector<std::string> vocabulary = {"a", "b", "c"};
  BpeSettings settings;
  while (vocabulary.size() < 60) {
    const auto left = static_cast<std::uint32_t>(random() % vocabulary.size());
    const auto right = static_cast<std::uint32_t>(random() % vocabulary.size());
    const std::string made = vocabulary[left] + vocabulary[right];
    if (std::find(vocabulary.begin(), vocabulary.end(), made) != vocabulary.end()) continue;
    settings.merges.push_back({left, right, static_cast<std::uint32_t>(vocabulary.size())});
    vocabulary.push_back(made);
  }
  const WordModelPtr model = std::move(make_bpe(vocabulary, settings).value());
  for (int round = 0; round < 2000; ++round) {
    Ids letters;
    std::string piece;
    for (std::size_t size = 1 + random() % 40; size > 0; --size) {
      letters.push_back(static_cast<std::uint32_t>(random() % 3));
      piece += vocabulary[letters.back()];
    }
    ASSERT_EQ(tokenize(*model, piece), merge_one_by_one(letters, settings.merges)) << piece;
  }
}

TEST(Bpe, UnknownCharacters) {
  BpeSettings settings;
  settings.unk_token = "?";
  const std::vector<std::string> vocabulary = {"?", "a", "<0xC3>", "<0xA9>"};
  const auto ids = [&](std::string_view piece) { return tokenize(*make_bpe(vocabulary, settings).value(), piece); };
  EXPECT_EQ(ids("xya\u00e9"), (Ids{0, 0, 1, 0}));
  settings.fuse_unk = true;
  EXPECT_EQ(ids("xya\u00e9"), (Ids{0, 1, 0}));
  settings.byte_fallback = true;
  EXPECT_EQ(ids("a\u00e9"), (Ids{1, 2, 3}));
  EXPECT_EQ(ids("x\u00e9a"), (Ids{2, 3, 0, 1})) << "as in the reference, the bytes come before the unknown token";
  settings.unk_token.reset();
  EXPECT_EQ(ids("xa"), (Ids{1}));
}

TEST(Bpe, PrefixAndSuffix) {
  BpeSettings settings;
  settings.continuing_subword_prefix = "##";
  settings.end_of_word_suffix = "</w>";
  settings.merges = {{0, 1, 2}};
  const WordModelPtr model = std::move(make_bpe({"a", "##b</w>", "ab</w>", "a</w>", "##b"}, settings).value());
  EXPECT_EQ(tokenize(*model, "ab"), (Ids{2}));
  EXPECT_EQ(tokenize(*model, "a"), (Ids{3}));
  EXPECT_EQ(tokenize(*model, "abb"), (Ids{0, 4, 1}));
}

TEST(Bpe, Errors) {
  BpeSettings settings;
  settings.unk_token = "?";
  EXPECT_EQ(make_bpe({"a"}, settings).status().code, Code::kInvalidArgument);
  settings = {};
  settings.merges = {{0, 0, 1}};
  EXPECT_EQ(make_bpe({"a"}, settings).status().code, Code::kInvalidArgument);
}

// Merging takes as long as its pairs, not as their square.
TEST(Bpe, LongPieces) {
  BpeSettings settings;
  settings.merges = {{0, 0, 1}, {1, 1, 2}};
  const WordModelPtr model = std::move(make_bpe({"a", "aa", "aaaa"}, settings).value());
  EXPECT_EQ(tokenize(*model, std::string(1 << 20, 'a')).size(), std::size_t{1} << 18);
}

}  // namespace
}  // namespace stillvec::text
