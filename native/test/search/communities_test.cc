#include "search/communities.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "runtime/thread_pool.h"
#include "search/similarity.h"

namespace stillvec::search {
namespace {

using Communities = std::vector<std::vector<std::uint32_t>>;

// Points around a few centres, so that communities of many sizes overlap.
std::vector<float> clustered_rows(std::size_t rows, std::size_t dim, float spread, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> centres(12 * dim), values(rows * dim);
  for (float& x : centres) x = normal(random);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t centre = std::min<std::size_t>(random() % 12, random() % 12);
    for (std::size_t c = 0; c < dim; ++c) values[r * dim + c] = centres[centre * dim + c] + spread * normal(random);
  }
  return values;
}

Communities by_definition(const std::vector<float>& values, std::size_t rows, std::size_t dim, float threshold,
                          std::size_t least, ThreadPool& pool) {
  std::vector<float> scores(rows * rows);
  const Rows matrix = {values.data(), rows, dim};
  similarity_matrix(Similarity::kCosine, matrix, matrix, pool, scores.data());
  Communities all;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row = scores.data() + r * rows;
    std::vector<std::uint32_t> near;
    for (std::uint32_t i = 0; i < rows; ++i) {
      if (row[i] >= threshold) near.push_back(i);
    }
    std::ranges::stable_sort(near, [&](auto a, auto b) { return row[a] > row[b]; });
    if (near.size() >= least) all.push_back(near);
  }
  const auto larger = [](const auto& a, const auto& b) { return a.size() > b.size(); };
  std::ranges::stable_sort(all, larger);
  Communities kept;
  std::vector<bool> used(rows);
  for (auto& community : all) {
    std::erase_if(community, [&](std::uint32_t row) { return used[row]; });
    if (community.size() < least) continue;
    for (std::uint32_t row : community) used[row] = true;
    kept.push_back(community);
  }
  std::ranges::stable_sort(kept, larger);
  return kept;
}

TEST(Communities, AreWhatTheirDefinitionSays) {
  ThreadPool pool(3);
  for (auto [rows, dim, threshold, least] :
       {std::tuple<std::size_t, std::size_t, float, std::size_t>{600, 32, 0.75f, 5},
        {600, 32, 0.6f, 40},
        {900, 8, 0.3f, 2},
        {10, 8, 0.9f, 1},
        {300, 16, 0.99f, 300}}) {
    const std::vector<float> values = clustered_rows(rows, dim, 0.6f, static_cast<unsigned>(rows));
    EXPECT_EQ(communities({values.data(), rows, dim}, threshold, least, pool),
              by_definition(values, rows, dim, threshold, least, pool));
  }
}

TEST(Communities, AreOfAllRowsWhereAllAreAlike) {
  ThreadPool pool(2);
  const std::vector<float> values(500 * 16, 1.0f);
  std::vector<std::uint32_t> all(500);
  std::iota(all.begin(), all.end(), 0u);
  EXPECT_EQ(communities({values.data(), 500, 16}, 0.9f, 10, pool), Communities{all});
}

TEST(Communities, OfNoRowsAreNone) {
  ThreadPool pool(2);
  EXPECT_TRUE(communities({nullptr, 0, 16}, 0.9f, 10, pool).empty());
}

}  // namespace
}  // namespace stillvec::search
