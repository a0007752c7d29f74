#include "text/word_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace stillvec::text {
namespace {

struct Padded {
  explicit Padded(const std::string& word) { std::memcpy(bytes, word.data(), word.size()); }
  std::uint8_t bytes[WordCache::kMaxBytes] = {};
};

TEST(WordCache, ZerosAreBytesLikeOthers) {
  WordCache cache;
  const std::uint32_t ids[] = {1, 2};
  const std::string one("a\0", 2), two("a\0\0", 3);
  cache.insert(Padded(one).bytes, one.size(), ids, 2);
  EXPECT_NE(cache.find(Padded(one).bytes, one.size()), nullptr);
  EXPECT_EQ(cache.find(Padded(two).bytes, two.size()), nullptr);
  EXPECT_EQ(cache.find(Padded("a").bytes, 1), nullptr);
}

TEST(WordCache, BytesBeyondTheWordDoNotCount) {
  WordCache cache;
  const std::uint32_t ids[] = {7};
  cache.insert(Padded("word and more of it").bytes, 4, ids, 1);
  ASSERT_NE(cache.find(Padded("wordless").bytes, 4), nullptr);
  EXPECT_EQ(cache.find(Padded("wordless").bytes, 8), nullptr);
}

// Many times more words than entries: whatever is found is what was put in.
TEST(WordCache, ForgetsButNeverErrs) {
  WordCache cache;
  std::mt19937 random(9);
  std::map<std::string, std::vector<std::uint32_t>> all;
  for (int i = 0; i < 200000; ++i) {
    std::string word(1 + random() % WordCache::kMaxBytes, '\0');
    for (char& c : word) c = static_cast<char>('a' + random() % 4);
    const auto [entry, is_new] = all.try_emplace(word);
    if (is_new) {
      entry->second.resize(random() % (WordCache::kMaxIds + 1));
      for (std::uint32_t& id : entry->second) id = static_cast<std::uint32_t>(random());
    }
    const std::vector<std::uint32_t>& ids = entry->second;
    if (const WordCache::Entry* found = cache.find(Padded(word).bytes, word.size())) {
      ASSERT_EQ(std::vector(found->ids, found->ids + found->count), ids);
    } else {
      cache.insert(Padded(word).bytes, word.size(), ids.data(), ids.size());
      ASSERT_NE(cache.find(Padded(word).bytes, word.size()), nullptr);
    }
  }
}

}  // namespace
}  // namespace stillvec::text
