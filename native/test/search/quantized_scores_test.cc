#include "search/quantized_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "runtime/thread_pool.h"
#include "search/blocked_scores.h"

namespace stillvec::search {
namespace {

constexpr Similarity kAll[] = {Similarity::kCosine, Similarity::kDot, Similarity::kEuclidean, Similarity::kManhattan};

std::vector<std::uint8_t> random_bytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

std::vector<float> as_floats(const Rows& rows) {
  std::vector<float> values(rows.rows * rows.dim);
  load_rows(rows, {0, rows.rows}, values.data());
  return values;
}

// The values of every format have sums that f32 holds exactly, so that the two ways differ by the roundings of a
// cosine's factors alone.
TEST(QuantizedScores, AreThoseOfTheValues) {
  ThreadPool pool(3);
  for (RowFormat format : {RowFormat::kInt8, RowFormat::kUint8, RowFormat::kBinary, RowFormat::kUbinary}) {
    for (auto [m, n, dim] : {std::tuple<std::size_t, std::size_t, std::size_t>{1, 1, 8},
                             {0, 3, 16},
                             {3, 2, 72},
                             {70, 9, 64},
                             {130, 517, 200}}) {
      const auto left = random_bytes(m * dim, 1), right = random_bytes(n * dim, 2);
      const Rows a = {left.data(), m, dim, format}, b = {right.data(), n, dim, format};
      const std::vector<float> x = as_floats(a), y = as_floats(b);
      for (Similarity similarity : kAll) {
        std::vector<float> expected(m * n), actual(m * n + 1, 77.0f);
        similarity_matrix(similarity, {x.data(), m, dim}, {y.data(), n, dim}, pool, expected.data());
        similarity_matrix(similarity, a, b, pool, actual.data());
        EXPECT_EQ(actual.back(), 77.0f);
        for (std::size_t i = 0; i < m * n; ++i) {
          ASSERT_NEAR(actual[i], expected[i], 1e-6 * std::abs(expected[i]))
              << "format " << static_cast<int>(format) << ", similarity " << static_cast<int>(similarity) << ", " << i;
        }
      }
    }
  }
}

TEST(QuantizedScores, RowsOfTwoFormatsAreScoredAsFloats) {
  const auto rows_of = [](RowFormat format, std::size_t dim = 64) { return Rows{nullptr, 0, dim, format}; };
  const Rows floats = rows_of(RowFormat::kFloat32), int8 = rows_of(RowFormat::kInt8);
  const Rows binary = rows_of(RowFormat::kBinary), ubinary = rows_of(RowFormat::kUbinary);
  EXPECT_FALSE(are_scored_as_stored(Similarity::kDot, binary, ubinary));
  EXPECT_FALSE(are_scored_as_stored(Similarity::kDot, floats, int8));
  EXPECT_FALSE(are_scored_as_stored(Similarity::kManhattan, int8, int8));
  EXPECT_TRUE(are_scored_as_stored(Similarity::kManhattan, binary, binary));
  EXPECT_TRUE(are_scored_as_stored(Similarity::kDot, int8, int8));
  const Rows longest = rows_of(RowFormat::kInt8, 65536), longer = rows_of(RowFormat::kInt8, 65537);
  EXPECT_TRUE(are_scored_as_stored(Similarity::kDot, longest, longest));
  EXPECT_FALSE(are_scored_as_stored(Similarity::kDot, longer, longer));
  ThreadPool pool(1);
  const auto bytes = random_bytes(6 * 4, 3);
  const Rows a = {bytes.data(), 6, 32, RowFormat::kUbinary};
  auto shifted = bytes;
  for (auto& byte : shifted) byte ^= 0x80;
  const Rows b = {shifted.data(), 6, 32, RowFormat::kBinary};
  std::vector<float> own(36), mixed(36);
  similarity_matrix(Similarity::kDot, a, a, pool, own.data());
  similarity_matrix(Similarity::kDot, a, b, pool, mixed.data());
  EXPECT_EQ(own, mixed);
}

TEST(QuantizedScores, ZerosAreAlikeToNothing) {
  ThreadPool pool(1);
  const std::int8_t rows[] = {0, 0, 3, -4};
  const Rows a = {rows, 2, 2, RowFormat::kInt8};
  std::vector<float> cosine(4);
  similarity_matrix(Similarity::kCosine, a, a, pool, cosine.data());
  EXPECT_EQ(cosine[0], 0.0f);
  EXPECT_EQ(cosine[1], 0.0f);
  EXPECT_NEAR(cosine[3], 1.0f, 1e-6f);
}

// Searches meet the same scores block by block.
TEST(QuantizedScores, BlocksHaveTheBitsOfTheMatrix) {
  ThreadPool pool(2);
  const std::size_t queries = 70, corpus = 1300, dim = 136;
  for (RowFormat format : {RowFormat::kInt8, RowFormat::kBinary}) {
    const auto left = random_bytes(queries * dim, 4), right = random_bytes(corpus * dim, 5);
    const Rows a = {left.data(), queries, dim, format}, b = {right.data(), corpus, dim, format};
    for (Similarity similarity : kAll) {
      std::vector<float> expected(queries * corpus);
      similarity_matrix(similarity, a, b, pool, expected.data());
      const BlockedScores scores(similarity, a, {10, queries}, b, pool);
      const auto visit = [&](std::size_t query, BlockedScores::Scratch& scratch, unsigned) {
        const float* row = expected.data() + (10 + query) * corpus;
        for (std::uint32_t column = 0; column < scratch.block.size(); ++column) {
          float again[kPairTile];
          scores.exact(query, &column, 1, scratch, again);
          if (format == RowFormat::kInt8 && similarity == Similarity::kManhattan) {
            EXPECT_NEAR(again[0], row[scratch.block.begin + column], 1e-2f);
          } else {
            EXPECT_EQ(again[0], row[scratch.block.begin + column]);
          }
        }
      };
      scores.scan(pool, {}, visit);
    }
  }
}

}  // namespace
}  // namespace stillvec::search
