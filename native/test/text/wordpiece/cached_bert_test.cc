#include "text/wordpiece/cached_bert.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "test/kernels/isa.h"
#include "test/text/samples.h"

namespace stillvec::text {
namespace {

using Ids = std::vector<std::uint32_t>;

WordPiece small_model(std::size_t longest = 100) {
  return WordPiece::create(test::small_vocabulary(), {"[UNK]", "##", longest}).value();
}

Ids exactly(const ExactBert& encoder, std::string_view text) {
  Ids ids;
  std::u32string normalized;
  encoder.encode(text, normalized, ids);
  return ids;
}

class CachedBertIsa : public stillvec::test::IsaTest {};

TEST_P(CachedBertIsa, GivesTheIdsOfTheExactBert) {
  std::mt19937 random(11);
  const WordPiece model = small_model(12);
  auto scratch = std::make_unique<CachedBert::Scratch>();
  for (const auto& normalizer : test::normalizers()) {
    const ExactBert exact(model, normalizer);
    const CachedBert cached(exact, kernels::ascii_kernels(GetParam()));
    *scratch = {};
    for (int round = 0; round < 400; ++round) {
      const std::string text = test::random_text(random, round % 10 == 0 ? 3000 : 30);
      Ids ids = {42};  // encode() appends
      cached.encode(text, *scratch, ids);
      Ids expected = exactly(exact, text);
      expected.insert(expected.begin(), 42);
      ASSERT_EQ(ids, expected) << text;
    }
  }
}

TEST_P(CachedBertIsa, WordsAcrossBlocksAndChunks) {
  const WordPiece model = small_model(100000);
  const ExactBert exact(model, BertNormalizer{});
  const CachedBert cached(exact, kernels::ascii_kernels(GetParam()));
  auto scratch = std::make_unique<CachedBert::Scratch>();
  const auto check = [&](const std::string& text) {
    Ids ids;
    cached.encode(text, *scratch, ids);
    ASSERT_EQ(ids, exactly(exact, text)) << "size " << text.size();
  };
  constexpr std::size_t kChunk = CachedBert::kChunk;
  for (std::size_t before :
       {std::size_t{0}, std::size_t{1}, std::size_t{40}, std::size_t{63}, kChunk - 70, kChunk - 3}) {
    for (std::size_t size : {1, 15, 16, 17, 31, 32, 33, 56, 57, 58, 63, 64, 65, 200}) {
      for (const char* unit : {"a", "A", "\u00e9", "\u65e5"}) {
        std::string text(before, ' ');
        for (std::size_t i = 0; i < size; ++i) text += unit;
        check(text);
        check(text + ". the end");
      }
    }
  }
  for (std::size_t size : {kChunk - 1, kChunk, kChunk + 1, 3 * kChunk + 5}) {
    for (const char* end : {"", " ", ".", "\u2019t x", " the end"}) {
      check(std::string(size, 'a') + end);
      check(std::string(size, 'A') + end);
      check("the " + std::string(size, 'a') + end);
      check(std::string(size, '.') + end);
      check(std::string(size, ' ') + end);
    }
  }
}

// Few words often, and many more words than the cache has room for.
TEST(CachedBert, WhatTheCacheHoldsChangesNothing) {
  std::mt19937 random(13);
  const WordPiece model = small_model();
  const ExactBert exact(model, BertNormalizer{});
  const CachedBert cached(exact);
  auto warm = std::make_unique<CachedBert::Scratch>();
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 50; ++i) {
      for (std::size_t size = 1 + random() % 4; size > 0; --size)
        text.push_back(static_cast<char>('a' + random() % 26));
      text += i % 7 == 0 ? "\u00c9 " : " ";
    }
    Ids ids;
    cached.encode(text, *warm, ids);
    ASSERT_EQ(ids, exactly(exact, text)) << text;
  }
}

TEST(CachedBert, StopsWhenItHasEnough) {
  const WordPiece model = small_model();
  const ExactBert exact(model, BertNormalizer{});
  const CachedBert cached(exact);
  auto scratch = std::make_unique<CachedBert::Scratch>();
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "the ";
  Ids ids;
  cached.encode(text, *scratch, ids, 10);
  EXPECT_GE(ids.size(), 10u);
  EXPECT_LT(ids.size(), 5000u);
}

INSTANTIATE_TEST_SUITE_P(All, CachedBertIsa, ::testing::Values(Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512),
                         stillvec::test::name_of_isa);

}  // namespace
}  // namespace stillvec::text
