#include "search/similarity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

constexpr Similarity kAll[] = {Similarity::kCosine, Similarity::kDot, Similarity::kEuclidean, Similarity::kManhattan};

std::vector<float> random_rows(std::size_t rows, std::size_t dim, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * dim);
  for (float& x : values) x = normal(random);
  return values;
}

double reference(Similarity similarity, const float* a, const float* b, std::size_t dim) {
  double dot = 0.0, a_square = 0.0, b_square = 0.0, square = 0.0, l1 = 0.0;
  for (std::size_t c = 0; c < dim; ++c) {
    const double x = a[c], y = b[c];
    dot += x * y;
    a_square += x * x;
    b_square += y * y;
    square += (x - y) * (x - y);
    l1 += std::abs(x - y);
  }
  switch (similarity) {
    case Similarity::kCosine: return dot / std::max(std::sqrt(a_square), 1e-12) / std::max(std::sqrt(b_square), 1e-12);
    case Similarity::kDot: return dot;
    case Similarity::kEuclidean: return -std::sqrt(square);
    case Similarity::kManhattan: return -l1;
  }
  return 0.0;
}

double tolerance(Similarity similarity, std::size_t dim) {
  const double width = static_cast<double>(dim) + 1.0;
  return similarity == Similarity::kCosine ? 2e-6 : similarity == Similarity::kManhattan ? 2e-6 * width : 2e-6 * width;
}

TEST(Similarity, MatrixHoldsEveryPair) {
  ThreadPool pool(3);
  for (std::size_t dim : {1u, 7u, 33u, 256u}) {
    for (auto [m, n] : {std::pair{0u, 5u}, {1u, 1u}, {3u, 2u}, {4u, 4u}, {65u, 9u}, {130u, 517u}}) {
      std::vector<float> a = random_rows(m, dim, 1), b = random_rows(n, dim, 2);
      if (m > 2) std::fill_n(a.begin() + static_cast<std::ptrdiff_t>(dim), dim, 0.0f);
      for (Similarity similarity : kAll) {
        std::vector<float> out(m * n + 1, 77.0f);
        similarity_matrix(similarity, {a.data(), m, dim}, {b.data(), n, dim}, pool, out.data());
        for (std::size_t i = 0; i < m; ++i) {
          for (std::size_t j = 0; j < n; ++j) {
            ASSERT_NEAR(out[i * n + j], reference(similarity, &a[i * dim], &b[j * dim], dim),
                        tolerance(similarity, dim))
                << i << ", " << j << " of " << m << " x " << n;
          }
        }
        EXPECT_EQ(out.back(), 77.0f);
      }
    }
  }
}

TEST(Similarity, PairwiseTakesRowByRow) {
  const std::size_t rows = 20, dim = 45;
  const std::vector<float> a = random_rows(rows, dim, 3), b = random_rows(rows, dim, 4);
  for (Similarity similarity : kAll) {
    std::vector<float> out(11);
    similarity_pairwise(similarity, {a.data(), rows, dim}, {b.data(), rows, dim}, {5, 16}, out.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      EXPECT_NEAR(out[i], reference(similarity, &a[(5 + i) * dim], &b[(5 + i) * dim], dim), tolerance(similarity, dim));
    }
  }
}

TEST(Similarity, AValueDoesNotDependOnItsPlace) {
  ThreadPool one(1), three(3);
  const std::size_t rows = 150, dim = 301;
  std::vector<float> a = random_rows(rows, dim, 5);
  for (std::size_t r = 1; r < rows; ++r) std::copy_n(a.begin(), dim, a.begin() + static_cast<std::ptrdiff_t>(r * dim));
  for (Similarity similarity : kAll) {
    std::vector<float> first(rows * rows), second(rows * rows);
    similarity_matrix(similarity, {a.data(), rows, dim}, {a.data(), rows, dim}, one, first.data());
    similarity_matrix(similarity, {a.data(), rows, dim}, {a.data(), rows, dim}, three, second.data());
    EXPECT_EQ(first, std::vector<float>(rows * rows, first[0]));
    EXPECT_EQ(second, first);
  }
}

}  // namespace
}  // namespace stillvec::search
