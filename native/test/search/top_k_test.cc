#include "search/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(TopK, FindsWhatSortingFinds) {
  ThreadPool pool(3);
  const std::size_t dim = 6;
  for (auto [queries, corpus] :
       {std::pair<std::size_t, std::size_t>{0, 9}, {1, 1}, {3, 5000}, {70, 1100}, {200, 130}}) {
    const std::vector<float> a = random_rows(queries, dim, 1), b = random_rows(corpus, dim, 2);
    for (Similarity similarity : {Similarity::kDot, Similarity::kCosine, Similarity::kManhattan}) {
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

TEST(TopK, AnEmptyCorpusHasNoHits) {
  ThreadPool pool(1);
  const float query[] = {1.0f};
  const Hits hits = top_k(Similarity::kCosine, {query, 1, 1}, {nullptr, 0, 1}, 3, pool);
  EXPECT_EQ(hits.k, 0u);
  EXPECT_TRUE(hits.indices.empty());
}

}  // namespace
}  // namespace stillvec::search
