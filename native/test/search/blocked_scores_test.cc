#include "search/blocked_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "runtime/thread_pool.h"
#include "search/similarity.h"

namespace stillvec::search {
namespace {

using kernels::Bf16Unit;
using kernels::ProductKernels;

struct Unit {
  const char* name;
  bool is_here;
  const ProductKernels& products;
};

std::vector<Unit> units() {
  return {
      {"f32 scalar", true, kernels::f32_products(Isa::kScalar)},
      {"f32 NEON", isa_supported(Isa::kNeon), kernels::f32_products(Isa::kNeon)},
      {"f32 AVX2", isa_supported(Isa::kAvx2), kernels::f32_products(Isa::kAvx2)},
      {"f32 AVX-512", isa_supported(Isa::kAvx512), kernels::f32_products(Isa::kAvx512)},
      {"bf16 scalar", true, kernels::bf16_products(Bf16Unit::kScalar)},
      {"bf16 NEON", kernels::bf16_supported(Bf16Unit::kNeon), kernels::bf16_products(Bf16Unit::kNeon)},
      {"bf16 AVX-512", kernels::bf16_supported(Bf16Unit::kAvx512), kernels::bf16_products(Bf16Unit::kAvx512)},
      {"bf16 AMX", kernels::bf16_supported(Bf16Unit::kAmx), kernels::bf16_products(Bf16Unit::kAmx)},
  };
}

// Rows of all magnitudes that a float has, some zero, some alike.
std::vector<float> rows_of_all_sizes(std::size_t rows, std::size_t dim, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * dim);
  for (std::size_t r = 0; r < rows; ++r) {
    const float scale = r % 5 == 0 ? std::ldexp(1.0f, static_cast<int>(random() % 160) - 90) : 1.0f;
    for (std::size_t c = 0; c < dim; ++c) values[r * dim + c] = scale * normal(random);
    if (r % 17 == 3) std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(r * dim), dim, 0.0f);
    if (r % 13 == 7) std::memcpy(&values[r * dim], &values[(r - 1) * dim], dim * sizeof(float));
  }
  return values;
}

// Every value lies within the bounds of its score, whatever multiplies, and what is scored again has the same bits as
// the matrix of all scores.
TEST(BlockedScores, BoundsHold) {
  ThreadPool pool(2);
  for (const Unit& unit : units()) {
    if (!unit.is_here) {
      std::printf("this machine has no %s\n", unit.name);
      continue;
    }
    for (auto [queries, corpus, dim] : {std::tuple<std::size_t, std::size_t, std::size_t>{16, 1, 8},
                                        {70, 130, 33},
                                        {150, 601, 64},
                                        {17, 90, 300},
                                        {40, 200, 1024}}) {
      const std::vector<float> a = rows_of_all_sizes(queries, dim, 1), b = rows_of_all_sizes(corpus, dim, 2);
      for (Similarity similarity :
           {Similarity::kCosine, Similarity::kDot, Similarity::kEuclidean, Similarity::kManhattan}) {
        std::vector<float> expected(queries * corpus);
        similarity_matrix(similarity, {a.data(), queries, dim}, {b.data(), corpus, dim}, pool, expected.data());
        const BlockedScores scores(similarity, {a.data(), queries, dim}, {0, queries}, {b.data(), corpus, dim}, pool,
                                   unit.products);
        std::vector<std::vector<std::size_t>> seen(2, std::vector<std::size_t>(queries));
        const auto visit = [&](std::size_t query, BlockedScores::Scratch& scratch, unsigned slot) {
          for (std::uint32_t column = 0; column < scratch.block.size(); ++column) {
            const float score = expected[query * corpus + scratch.block.begin + column];
            float again[kPairTile];
            scores.exact(query, &column, 1, scratch, again);
            EXPECT_EQ(std::memcmp(again, &score, sizeof(float)), 0)
                << unit.name << ", query " << query << ": " << again[0] << " for " << score;
            const float value = scores.values(query, scratch)[column];
            const auto [floor, ceiling] = scores.bounds(query, score, scratch);
            EXPECT_FALSE(value < floor || value > ceiling)
                << unit.name << ", dim " << dim << ", query " << query << ": " << floor << " <= " << value
                << " <= " << ceiling << " for " << score << ", similarity " << static_cast<int>(similarity);
          }
          seen[slot][query] += scratch.block.size();
        };
        scores.scan(pool, {}, visit);
        for (std::size_t q = 0; q < queries; ++q) ASSERT_EQ(seen[0][q] + seen[1][q], corpus);
      }
    }
  }
}

TEST(BlockedScores, PicksWhatIsNoNumber) {
  ThreadPool pool(1);
  const std::size_t queries = 20, corpus = 40, dim = 16;
  std::vector<float> a = rows_of_all_sizes(queries, dim, 3), b = rows_of_all_sizes(corpus, dim, 4);
  b[5 * dim + 2] = std::nanf("");
  b[6 * dim + 1] = std::numeric_limits<float>::infinity();
  for (const Unit& unit : units()) {
    if (!unit.is_here) continue;
    for (Similarity similarity : {Similarity::kCosine, Similarity::kDot, Similarity::kEuclidean}) {
      const BlockedScores scores(similarity, {a.data(), queries, dim}, {0, queries}, {b.data(), corpus, dim}, pool,
                                 unit.products);
      scores.scan(pool, {}, [&](std::size_t query, BlockedScores::Scratch& scratch, unsigned) {
        const std::size_t count = scores.pick(query, 0.9f, {0, corpus}, scratch);
        const auto end = scratch.picked.begin() + static_cast<std::ptrdiff_t>(count);
        EXPECT_NE(std::find(scratch.picked.begin(), end, 5u), end) << unit.name;
      });
    }
  }
}

}  // namespace
}  // namespace stillvec::search
