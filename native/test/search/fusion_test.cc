#include "search/fusion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

constexpr Normalization kAll[] = {Normalization::kMinMax, Normalization::kZScore, Normalization::kReciprocalRank};

std::vector<double> normalized(Normalization normalization, const float* scores, std::size_t count) {
  std::vector<double> out(count);
  const double min = *std::min_element(scores, scores + count), max = *std::max_element(scores, scores + count);
  const double mean = std::accumulate(scores, scores + count, 0.0) / static_cast<double>(count);
  double variance = 0.0;
  for (std::size_t i = 0; i < count; ++i) variance += (scores[i] - mean) * (scores[i] - mean);
  const double deviation = std::sqrt(variance / static_cast<double>(count));
  for (std::size_t i = 0; i < count; ++i) {
    switch (normalization) {
      case Normalization::kMinMax: out[i] = max > min ? (scores[i] - min) / (max - min) : 0.0; break;
      case Normalization::kZScore: out[i] = deviation > 0.0 ? (scores[i] - mean) / deviation : 0.0; break;
      case Normalization::kReciprocalRank:
        out[i] = 1.0 / (61.0 + static_cast<double>(std::count_if(scores, scores + count,
                                                                 [&](float other) { return other > scores[i]; })));
        break;
    }
  }
  return out;
}

TEST(Fusion, RanksByTheWeightedSum) {
  ThreadPool one(1), three(3);
  std::mt19937 random(1);
  for (auto [queries, documents] : {std::pair<std::size_t, std::size_t>{0, 5}, {1, 1}, {3, 2}, {5, 700}}) {
    std::vector<float> first(queries * documents), second(queries * documents);
    for (float& x : first) x = static_cast<float>(random() % 1000) / 999.0f - 0.3f;
    for (float& x : second) x = static_cast<float>(random() % 4) * 2.5f;  // many equal ones
    for (Normalization normalization : kAll) {
      for (double weight : {0.0, 0.3, 2.0}) {
        const FusionRequest request = {.normalization = normalization, .weight = weight, .k = 9};
        const Hits hits = fuse(request, {first.data(), documents}, {second.data(), documents}, queries, one);
        const Hits again = fuse(request, {first.data(), documents}, {second.data(), documents}, queries, three);
        EXPECT_EQ(hits.indices, again.indices);
        EXPECT_EQ(hits.scores, again.scores);
        ASSERT_EQ(hits.k, std::min<std::size_t>(9, documents));
        for (std::size_t q = 0; q < queries; ++q) {
          const auto a = normalized(normalization, &first[q * documents], documents);
          const auto b = normalized(normalization, &second[q * documents], documents);
          std::vector<double> sums(documents);
          for (std::size_t i = 0; i < documents; ++i) sums[i] = weight * a[i] + b[i];
          std::vector<double> best = sums;
          std::ranges::sort(best, std::greater<>());
          for (std::size_t i = 0; i < hits.k; ++i) {
            const std::size_t at = q * hits.k + i;
            EXPECT_NEAR(hits.scores[at], best[i], 1e-6) << static_cast<int>(normalization);
            EXPECT_NEAR(sums[hits.indices[at]], best[i], 1e-6);
            if (i > 0 && hits.scores[at] == hits.scores[at - 1]) EXPECT_GT(hits.indices[at], hits.indices[at - 1]);
          }
        }
      }
    }
  }
}

TEST(Fusion, EqualScoresSayNothing) {
  ThreadPool pool(1);
  const float first[] = {0.5f, 0.5f, 0.5f}, second[] = {1.0f, 3.0f, 2.0f};
  for (Normalization normalization : kAll) {
    const Hits hits = fuse({.normalization = normalization, .weight = 0.9, .k = 3}, {first, 3}, {second, 3}, 1, pool);
    EXPECT_EQ(hits.indices, (std::vector<std::uint32_t>{1, 2, 0}));
  }
  const Hits minmax = fuse({.weight = 0.9, .k = 3}, {first, 3}, {second, 3}, 1, pool);
  EXPECT_EQ(minmax.scores[0], 1.0f);
  EXPECT_EQ(minmax.scores[2], 0.0f);
}

TEST(Fusion, WhatIsNotFiniteIsZero) {
  ThreadPool pool(1);
  const float first[] = {std::nanf(""), 1.0f, -INFINITY, -1.0f}, second[] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (Normalization normalization : kAll) {
    const Hits hits = fuse({.normalization = normalization, .k = 4}, {first, 4}, {second, 4}, 1, pool);
    EXPECT_EQ(hits.indices, (std::vector<std::uint32_t>{1, 0, 2, 3}));
  }
}

TEST(Fusion, CountsTheColumnsOfDocumentsAlone) {
  ThreadPool pool(1);
  const float first[] = {9.0f, 0.0f, -7.0f, 1.0f}, second[] = {1.0f, 0.0f};
  const std::uint32_t columns[] = {1, 3};
  const Hits hits = fuse({.weight = 0.75, .k = 5}, {first, 4, columns}, {second, 2}, 1, pool);
  EXPECT_EQ(hits.indices, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(hits.scores, (std::vector<float>{1.0f, 0.75f}));
}

}  // namespace
}  // namespace stillvec::search
