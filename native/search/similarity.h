#pragma once

#include <cstddef>

#include "search/rows.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

// How alike two vectors are; more is closer. The last two are negative distances (L2, L1).
enum class Similarity { kCosine, kDot, kEuclidean, kManhattan };

// rows x dim f32 values, row-major.
struct Matrix {
  const float* data = nullptr;
  std::size_t rows = 0;
  std::size_t dim = 0;

  const float* row(std::size_t r) const { return data + r * dim; }
};

// Cosine divides by max(norm, 1e-12), so that a zero row is alike to nothing. `a` and `b` have the same dim. A pair's
// value does not depend on what stands beside it or on the number of threads.

// The rows that one call of the kernels takes of each side.
inline constexpr std::size_t kPairTile = 4;

// 1 / max(norm, 1e-12)
float inverse_norm(const float* row, std::size_t dim);

// out[kPairTile * i + j] for a[i] against b[j]; a row may occur more than once. The factors are the inverse norms of
// the rows, which cosine alone reads.
void similarity_tile(Similarity similarity, const float* const a[kPairTile], const float* a_factors,
                     const float* const b[kPairTile], const float* b_factors, std::size_t dim,
                     float out[kPairTile * kPairTile]);

// out[i * stride + j] for row a_rows.begin + i of `a` against row b_rows.begin + j of `b`.
void similarity_block(Similarity similarity, const Matrix& a, RowRange a_rows, const Matrix& b, RowRange b_rows,
                      float* out, std::size_t stride);

// Every row of `a` against every row of `b`, rows of any format: out is a.rows x b.rows.
void similarity_matrix(Similarity similarity, const Rows& a, const Rows& b, ThreadPool& pool, float* out);

// Row i of `a` against row i of `b`, for i in `rows`: out[i - rows.begin]. Rows of any format.
void similarity_pairwise(Similarity similarity, const Rows& a, const Rows& b, RowRange rows, float* out);

}  // namespace stillvec::search
