#include "training/document_frequencies.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

using Columns = std::vector<std::shared_ptr<const TokenColumn>>;

constexpr std::size_t kTokens = 40;

// Texts of 0 to 9 random tokens, and the counts by sets.
Columns random_columns(unsigned seed, std::vector<std::uint64_t>& expected) {
  std::mt19937 random(seed);
  expected.assign(kTokens, 0);
  Columns columns;
  for (const std::size_t count : {0u, 1u, 2047u, 2048u, 9001u}) {
    TokenColumn column;
    for (std::size_t text = 0; text < count; ++text) {
      std::set<std::uint32_t> distinct;
      for (std::size_t length = random() % 10; length > 0; --length) {
        const auto id = static_cast<std::uint32_t>(random() % (kTokens - 1));  // the last one stands in none
        column.ids.push_back(id);
        distinct.insert(id);
      }
      column.offsets.push_back(column.ids.size());
      for (const std::uint32_t id : distinct) ++expected[id];
    }
    columns.push_back(std::make_shared<const TokenColumn>(std::move(column)));
  }
  return columns;
}

TEST(DocumentFrequencies, CountsEachTextOnceForAnyNumberOfThreads) {
  std::vector<std::uint64_t> expected;
  const Columns columns = random_columns(1, expected);
  for (const unsigned threads : {1u, 3u}) {
    ThreadPool pool(threads);
    EXPECT_EQ(document_frequencies(pool, columns, kTokens, nullptr).value(), expected);
  }
}

TEST(DocumentFrequencies, RefusesAnIdThatHasNoRow) {
  ThreadPool pool(2);
  std::vector<std::uint64_t> expected;
  const Columns columns = random_columns(2, expected);
  EXPECT_EQ(document_frequencies(pool, columns, kTokens - 2, nullptr).status().code, Code::kCorrupt);
}

TEST(DocumentFrequencies, Stops) {
  ThreadPool pool(2);
  std::vector<std::uint64_t> expected;
  const Columns columns = random_columns(3, expected);
  EXPECT_EQ(document_frequencies(pool, columns, kTokens, [] { return true; }).status().code, Code::kAborted);
}

}  // namespace
}  // namespace stillvec::training
