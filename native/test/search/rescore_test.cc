#include "search/rescore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "runtime/thread_pool.h"
#include "search/top_k.h"

namespace stillvec::search {
namespace {

std::vector<float> normal_rows(std::size_t rows, std::size_t dim, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * dim);
  for (float& x : values) x = normal(random);
  return values;
}

// With every row a candidate, it is the exact search.
TEST(Rescore, OfAllRowsIsTheExactSearch) {
  ThreadPool one(1), three(3);
  const std::size_t queries = 37, corpus = 90, dim = 43, k = 6;
  const std::vector<float> a = normal_rows(queries, dim, 1), b = normal_rows(corpus, dim, 2);
  const Rows left = {a.data(), queries, dim}, right = {b.data(), corpus, dim};
  std::vector<std::uint32_t> candidates;
  std::mt19937 random(3);
  for (std::size_t q = 0; q < queries; ++q) {
    std::vector<std::uint32_t> all(corpus);
    std::iota(all.begin(), all.end(), 0u);
    std::shuffle(all.begin(), all.end(), random);
    candidates.insert(candidates.end(), all.begin(), all.end());
  }
  for (Similarity similarity :
       {Similarity::kCosine, Similarity::kDot, Similarity::kEuclidean, Similarity::kManhattan}) {
    const Hits exact = top_k({.similarity = similarity, .k = k}, left, {0, queries}, right, three);
    for (ThreadPool* pool : {&one, &three}) {
      const Hits hits = rescore(similarity, left, right, candidates, k, *pool);
      EXPECT_EQ(hits.k, k);
      EXPECT_EQ(hits.indices, exact.indices);
      EXPECT_EQ(hits.scores, exact.scores);
    }
  }
}

TEST(Rescore, LooksAtTheCandidatesAlone) {
  ThreadPool pool(2);
  const float queries[] = {1.0f, 0.0f, 0.0f, 1.0f};
  const std::int8_t corpus[] = {9, 9, 5, 1, 1, 5, 7, 0};
  const std::uint32_t candidates[] = {1, 2, 3, 2};
  const Hits hits = rescore(Similarity::kDot, {queries, 2, 2}, {corpus, 4, 2, RowFormat::kInt8}, candidates, 1, pool);
  EXPECT_EQ(hits.indices, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(hits.scores, (std::vector<float>{5.0f, 5.0f}));
  EXPECT_EQ(rescore(Similarity::kDot, {queries, 2, 2}, {corpus, 4, 2, RowFormat::kInt8}, candidates, 9, pool).k, 2u);
  EXPECT_EQ(rescore(Similarity::kDot, {queries, 0, 2}, {corpus, 4, 2, RowFormat::kInt8}, {}, 9, pool).k, 0u);
}

TEST(Rescore, ANanComesLast) {
  ThreadPool pool(1);
  const float query[] = {1.0f}, corpus[] = {std::nanf(""), -5.0f};
  const std::uint32_t candidates[] = {0, 1};
  const Hits hits = rescore(Similarity::kDot, {query, 1, 1}, {corpus, 2, 1}, candidates, 2, pool);
  EXPECT_EQ(hits.indices, (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(hits.scores[1], -std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace stillvec::search
