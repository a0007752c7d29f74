#include "search/bm25.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

constexpr Bm25Method kMethods[] = {Bm25Method::kRobertson, Bm25Method::kLucene, Bm25Method::kAtire, Bm25Method::kBm25L,
                                   Bm25Method::kBm25Plus};

// Texts of words of which the first are frequent and the last are rare.
WordBags texts_of(std::size_t count, std::size_t words, unsigned seed) {
  WordBags bags;
  std::mt19937 random(seed);
  for (std::size_t text = 0; text < count; ++text) {
    for (std::size_t i = random() % 20; i > 0; --i) {
      const double place = std::generate_canonical<double, 32>(random);
      bags.add_word("w" + std::to_string(static_cast<std::size_t>(place * place * place * static_cast<double>(words))));
    }
    bags.end_text();
  }
  return bags;
}

void expect_equal(const Hits& a, const Hits& b) {
  EXPECT_EQ(a.k, b.k);
  EXPECT_EQ(a.indices, b.indices);
  EXPECT_EQ(a.scores, b.scores);
}

TEST(Bm25, SearchGivesTheBestOfAllScores) {
  constexpr std::size_t kDocuments = 40'000, kK = 20;
  ThreadPool pool(3);
  const WordBags texts = texts_of(kDocuments, 3000, 1), queries = texts_of(50, 3000, 2);
  for (const Bm25Method method : kMethods) {
    const auto index = Bm25({method}).with(texts, pool);
    const Hits hits = index->search(queries, kK, pool);
    std::vector<float> scores(queries.count() * kDocuments);
    index->scores(queries, pool, scores.data());
    for (std::size_t query = 0; query < queries.count(); ++query) {
      const float* row = scores.data() + query * kDocuments;
      // A document without a word of the query has the least score, which BM25L and BM25+ lift above 0.
      const float least = *std::min_element(row, row + kDocuments);
      std::vector<Hit> expected;
      for (std::uint32_t document = 0; document < kDocuments; ++document) {
        if (row[document] > least) expected.push_back({row[document], document});
      }
      std::sort(expected.begin(), expected.end(), better);
      for (std::size_t i = 0; i < std::min(kK, expected.size()); ++i) {
        ASSERT_EQ(hits.indices[query * kK + i], expected[i].index) << "query " << query << ", hit " << i;
        ASSERT_EQ(hits.scores[query * kK + i], expected[i].score);
      }
    }
  }
}

TEST(Bm25, IsTheSameForAnyNumberOfThreads) {
  ThreadPool one(1), many(5);
  const WordBags texts = texts_of(30'000, 2000, 3), queries = texts_of(40, 2000, 4);
  const auto alone = Bm25({}).with(texts, one), together = Bm25({}).with(texts, many);
  EXPECT_TRUE(std::ranges::equal(alone->postings().documents, together->postings().documents));
  EXPECT_TRUE(std::ranges::equal(alone->postings().counts, together->postings().counts));
  expect_equal(alone->search(queries, 10, one), together->search(queries, 10, many));
}

TEST(Bm25, IsTheSameAddedAtOnceOrByAndBy) {
  ThreadPool pool(2);
  const WordBags first = texts_of(5000, 500, 5), second = texts_of(7000, 900, 6), queries = texts_of(40, 900, 7);
  WordBags both;
  both.append(first);
  both.append(second);
  const auto at_once = Bm25({}).with(both, pool), by_and_by = Bm25({}).with(first, pool)->with(second, pool);
  expect_equal(at_once->search(queries, 10, pool), by_and_by->search(queries, 10, pool));

  std::vector<bool> removed(12'000, false);
  std::fill(removed.begin(), removed.begin() + 5000, true);
  expect_equal(Bm25({}).with(second, pool)->search(queries, 10, pool),
               at_once->without(removed, pool)->search(queries, 10, pool));
}

}  // namespace
}  // namespace stillvec::search
