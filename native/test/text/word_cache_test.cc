#include "text/word_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace stillvec::text {
namespace {

// Of the first `size` bytes.
WordCache::Key key_of(const std::string& word, std::size_t size) {
  std::uint8_t bytes[WordCache::kMaxBytes] = {};
  std::memcpy(bytes, word.data(), word.size());
  return WordCache::key_of(bytes, size);
}

WordCache::Key key_of(const std::string& word) { return key_of(word, word.size()); }

TEST(WordCache, ZerosAreBytesLikeOthers) {
  WordCache cache;
  const std::uint32_t ids[] = {1, 2};
  const std::string one("a\0", 2), two("a\0\0", 3);
  cache.insert(key_of(one), ids, 2);
  EXPECT_NE(cache.find(key_of(one)), nullptr);
  EXPECT_EQ(cache.find(key_of(two)), nullptr);
  EXPECT_EQ(cache.find(key_of("a")), nullptr);
}

TEST(WordCache, BytesBeyondTheWordDoNotCount) {
  WordCache cache;
  const std::uint32_t ids[] = {7};
  cache.insert(key_of("word and more of it", 4), ids, 1);
  ASSERT_NE(cache.find(key_of("wordless", 4)), nullptr);
  EXPECT_EQ(cache.find(key_of("wordless", 8)), nullptr);
}

// More words than entries: whatever is found is what was put in.
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
    if (const WordCache::Entry* found = cache.find(key_of(word))) {
      ASSERT_EQ(std::vector(found->ids, found->ids + found->count), ids);
    } else {
      cache.insert(key_of(word), ids.data(), ids.size());
      ASSERT_NE(cache.find(key_of(word)), nullptr);
    }
  }
}

}  // namespace
}  // namespace stillvec::text
