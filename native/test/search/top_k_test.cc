#include "search/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

// Few distinct values, so that scores are exact in f32 and many are equal.
std::vector<float> random_rows(std::size_t rows, std::size_t dim, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(rows * dim);
  for (float& x : values) x = static_cast<float>(random() % 5) - 2.0f;
  return values;
}

Hits top_k(Similarity similarity, const Matrix& queries, const Matrix& corpus, std::size_t k, ThreadPool& pool) {
  const Rows left = {queries.data, queries.rows, queries.dim}, right = {corpus.data, corpus.rows, corpus.dim};
  return search::top_k({.similarity = similarity, .k = k}, left, {0, queries.rows}, right, pool);
}

TEST(TopK, FindsWhatSortingFinds) {
  ThreadPool pool(3);
  const std::size_t dim = 6;
  for (auto [queries, corpus] :
       {std::pair<std::size_t, std::size_t>{0, 9}, {1, 1}, {3, 5000}, {70, 1100}, {200, 130}}) {
    const std::vector<float> a = random_rows(queries, dim, 1), b = random_rows(corpus, dim, 2);
    for (Similarity similarity :
         {Similarity::kDot, Similarity::kCosine, Similarity::kEuclidean, Similarity::kManhattan}) {
      std::vector<float> scores(queries * corpus);
      similarity_matrix(similarity, {a.data(), queries, dim}, {b.data(), corpus, dim}, pool, scores.data());
      for (std::size_t k : {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{129}, corpus + 3}) {
        const Hits hits = top_k(similarity, {a.data(), queries, dim}, {b.data(), corpus, dim}, k, pool);
        ASSERT_EQ(hits.k, std::min(k, corpus));
        ASSERT_EQ(hits.indices.size(), queries * hits.k);
        for (std::size_t q = 0; q < queries; ++q) {
          const float* row = scores.data() + q * corpus;
          std::vector<std::uint32_t> order(corpus);
          std::iota(order.begin(), order.end(), 0u);
          std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return row[i] > row[j]; });
          for (std::size_t i = 0; i < hits.k; ++i) {
            ASSERT_EQ(hits.indices[q * hits.k + i], order[i]) << "query " << q << ", hit " << i << ", k " << k;
            ASSERT_EQ(hits.scores[q * hits.k + i], row[order[i]]);
          }
        }
      }
    }
  }
}

TEST(TopK, ANanComesLast) {
  ThreadPool pool(1);
  const float query[] = {1.0f};
  const float corpus[] = {std::nanf(""), -5.0f, std::nanf(""), 2.0f};
  const Hits hits = top_k(Similarity::kDot, {query, 1, 1}, {corpus, 4, 1}, 4, pool);
  EXPECT_EQ(hits.indices, (std::vector<std::uint32_t>{3, 1, 0, 2}));
  EXPECT_EQ(hits.scores[2], -std::numeric_limits<float>::infinity());
  const Hits two = top_k(Similarity::kDot, {query, 1, 1}, {corpus, 4, 1}, 2, pool);
  EXPECT_EQ(two.indices, (std::vector<std::uint32_t>{3, 1}));
}

std::vector<float> normal_rows(std::size_t rows, std::size_t dim, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * dim);
  for (float& x : values) x = normal(random);
  return values;
}

TEST(TopK, HitsDoNotDependOnThreadsOrCompany) {
  ThreadPool one(1), three(3);
  const std::size_t queries = 300, corpus = 2500, dim = 100, k = 7;
  const std::vector<float> a = normal_rows(queries, dim, 5), b = normal_rows(corpus, dim, 6);
  for (Similarity similarity : {Similarity::kCosine, Similarity::kDot, Similarity::kEuclidean}) {
    const Hits all = top_k(similarity, {a.data(), queries, dim}, {b.data(), corpus, dim}, k, one);
    const Hits again = top_k(similarity, {a.data(), queries, dim}, {b.data(), corpus, dim}, k, three);
    EXPECT_EQ(again.indices, all.indices);
    EXPECT_EQ(again.scores, all.scores);
    for (std::size_t q : {std::size_t{0}, std::size_t{123}, std::size_t{299}}) {
      const Hits alone = top_k(similarity, {a.data() + q * dim, 1, dim}, {b.data(), corpus, dim}, k, three);
      EXPECT_TRUE(std::equal(alone.indices.begin(), alone.indices.end(), all.indices.begin() + q * k)) << q;
      EXPECT_TRUE(std::equal(alone.scores.begin(), alone.scores.end(), all.scores.begin() + q * k)) << q;
    }
  }
}

TEST(TopK, SearchesWhatIsNotStoredAsFloats) {
  ThreadPool pool(2);
  const std::size_t queries = 40, corpus = 900, dim = 64, k = 5;
  const std::vector<float> a = normal_rows(queries, dim, 7);
  std::mt19937 random(8);
  std::vector<std::uint8_t> bytes(corpus * dim);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  for (RowFormat format : {RowFormat::kInt8, RowFormat::kUint8, RowFormat::kBinary, RowFormat::kUbinary}) {
    const Rows stored = {bytes.data(), corpus, dim, format};
    std::vector<float> floats(corpus * dim);
    load_rows(stored, {0, corpus}, floats.data());
    const TopKRequest request = {.similarity = Similarity::kDot, .k = k};
    const Rows left = {a.data(), queries, dim};
    const Hits expected = search::top_k(request, left, {0, queries}, {floats.data(), corpus, dim}, pool);
    const Hits hits = search::top_k(request, left, {0, queries}, stored, pool);
    EXPECT_EQ(hits.indices, expected.indices);
    EXPECT_EQ(hits.scores, expected.scores);
    // Quantized queries find themselves.
    const Hits own = search::top_k({.k = 1}, stored, {100, 160}, stored, pool);
    for (std::size_t q = 0; q < 60; ++q) EXPECT_EQ(own.indices[q], 100 + q);
  }
}

TEST(TopK, LooksAtEarlierRowsOnly) {
  ThreadPool pool(3);
  const std::size_t rows = 1500, dim = 24;
  std::vector<float> a = normal_rows(rows, dim, 9);
  for (std::size_t r = 40; r < rows; r += 40) std::copy_n(&a[(r - 13) * dim], dim, &a[r * dim]);
  const Rows all = {a.data(), rows, dim};
  const TopKRequest request = {.k = 1, .at_least = 0.999f, .earlier = true};
  for (auto [begin, end] : {std::pair<std::size_t, std::size_t>{0, rows}, {700, 705}, {600, 1100}}) {
    const Hits hits = search::top_k(request, all, {begin, end}, all, pool);
    for (std::size_t row = begin; row < end; ++row) {
      const bool is_copy = row > 0 && row % 40 == 0;
      EXPECT_EQ(hits.indices[row - begin], is_copy ? row - 13 : Hits::kNone) << row;
    }
  }
}

TEST(TopK, GivesNoHitsBelowALeastScore) {
  ThreadPool pool(2);
  const std::size_t queries = 30, corpus = 400, dim = 12, k = 20;
  const std::vector<float> a = normal_rows(queries, dim, 10), b = normal_rows(corpus, dim, 11);
  const Rows left = {a.data(), queries, dim}, right = {b.data(), corpus, dim};
  const Hits all = search::top_k({.k = k}, left, {0, queries}, right, pool);
  const float least = all.scores[7];
  const Hits some = search::top_k({.k = k, .at_least = least}, left, {0, queries}, right, pool);
  for (std::size_t i = 0; i < all.indices.size(); ++i) {
    EXPECT_EQ(some.indices[i], all.scores[i] >= least ? all.indices[i] : Hits::kNone);
  }
}

TEST(TopK, StopsWhenItIsTold) {
  ThreadPool pool(2);
  const std::vector<float> a = normal_rows(5000, 64, 12);
  std::atomic<int> asked = 0;
  static_cast<void>(search::top_k({.k = 3}, {a.data(), 5000, 64}, {0, 5000}, {a.data(), 5000, 64}, pool,
                                  [&] { return ++asked > 3; }));
  EXPECT_LT(asked, 100);  // of some 700 tiles and blocks
}

TEST(TopK, AnEmptyCorpusHasNoHits) {
  ThreadPool pool(1);
  const float query[] = {1.0f};
  const Hits hits = top_k(Similarity::kCosine, {query, 1, 1}, {nullptr, 0, 1}, 3, pool);
  EXPECT_EQ(hits.k, 0u);
  EXPECT_TRUE(hits.indices.empty());
}

}  // namespace
}  // namespace stillvec::search
