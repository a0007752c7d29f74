#include "search/similarity.h"

#include <algorithm>
#include <cmath>

#include "kernels/vector/vector.h"
#include "runtime/buffer.h"
#include "runtime/thread_pool.h"
#include "search/quantized_scores.h"

namespace stillvec::search {
namespace {

using kernels::vector_kernels;
using kernels::VectorKernels;

// A block of 64 x 64 rows of 1024 columns is 512 KiB: it stays in L2 while every pair is formed.
constexpr std::size_t kBlock = 64;

VectorKernels::Tile tile_kernel(Similarity similarity) {
  switch (similarity) {
    case Similarity::kCosine:
    case Similarity::kDot: return vector_kernels().dot_tile;
    case Similarity::kEuclidean: return vector_kernels().squared_distance_tile;
    case Similarity::kManhattan: return vector_kernels().l1_distance_tile;
  }
  return vector_kernels().dot_tile;
}

void inverse_norms(const Matrix& matrix, RowRange rows, float* out) {
  for (std::size_t r = rows.begin; r < rows.end; ++r) *out++ = inverse_norm(matrix.row(r), matrix.dim);
}

// Four rows from `first` on; the last one again where there are fewer.
void row_pointers(const Matrix& matrix, std::size_t first, std::size_t end, const float* out[kPairTile]) {
  for (std::size_t i = 0; i < kPairTile; ++i) out[i] = matrix.row(std::min(first + i, end - 1));
}

// Rows as f32: where they lie, or converted.
class Floats {
 public:
  explicit Floats(const Rows& rows) : matrix_{static_cast<const float*>(rows.data), rows.rows, rows.dim} {
    if (rows.are_floats()) return;
    converted_.reserve(rows.rows * rows.dim);
    load_rows(rows, {0, rows.rows}, converted_.data());
    matrix_.data = converted_.data();
  }

  const Matrix& matrix() const { return matrix_; }

 private:
  Buffer<float> converted_;
  Matrix matrix_;
};

}  // namespace

float inverse_norm(const float* row, std::size_t dim) {
  return 1.0f / std::max(std::sqrt(vector_kernels().dot(row, row, dim)), 1e-12f);
}

void similarity_tile(Similarity similarity, const float* const a[kPairTile], const float* a_factors,
                     const float* const b[kPairTile], const float* b_factors, std::size_t dim,
                     float out[kPairTile * kPairTile]) {
  tile_kernel(similarity)(a, b, dim, out);
  for (std::size_t i = 0; i < kPairTile; ++i) {
    for (std::size_t j = 0; j < kPairTile; ++j) {
      float& value = out[kPairTile * i + j];
      switch (similarity) {
        case Similarity::kCosine: value = value * a_factors[i] * b_factors[j]; break;
        case Similarity::kDot: break;
        case Similarity::kEuclidean: value = -std::sqrt(value); break;
        case Similarity::kManhattan: value = -value; break;
      }
    }
  }
}

void similarity_block(Similarity similarity, const Matrix& a, RowRange a_rows, const Matrix& b, RowRange b_rows,
                      float* out, std::size_t stride) {
  for (std::size_t a_begin = a_rows.begin; a_begin < a_rows.end; a_begin += kBlock) {
    const std::size_t a_end = std::min(a_begin + kBlock, a_rows.end);
    float a_factors[kBlock] = {};
    if (similarity == Similarity::kCosine) inverse_norms(a, {a_begin, a_end}, a_factors);
    for (std::size_t j = b_rows.begin; j < b_rows.end; j += kPairTile) {
      const std::size_t columns = std::min(kPairTile, b_rows.end - j);
      const float* right[kPairTile];
      row_pointers(b, j, b_rows.end, right);
      float b_factors[kPairTile] = {};
      if (similarity == Similarity::kCosine) inverse_norms(b, {j, j + columns}, b_factors);
      for (std::size_t i = a_begin; i < a_end; i += kPairTile) {
        const std::size_t rows = std::min(kPairTile, a_end - i);
        const float* left[kPairTile];
        row_pointers(a, i, a_end, left);
        float values[kPairTile * kPairTile];
        similarity_tile(similarity, left, a_factors + (i - a_begin), right, b_factors, a.dim, values);
        for (std::size_t r = 0; r < rows; ++r) {
          std::copy_n(values + kPairTile * r, columns, out + (i - a_rows.begin + r) * stride + (j - b_rows.begin));
        }
      }
    }
  }
}

void similarity_matrix(Similarity similarity, const Rows& a, const Rows& b, ThreadPool& pool, float* out) {
  // Blocks of a few hundred columns of `out`: many enough to share out, large enough to be worth a claim.
  constexpr std::size_t kColumns = 512;
  const bool as_stored = are_scored_as_stored(similarity, a, b);
  const std::size_t down = (a.rows + kBlock - 1) / kBlock, across = (b.rows + kColumns - 1) / kColumns;
  pool.parallel_for(down * across, [&](std::size_t index, unsigned) {
    const std::size_t i = index / across * kBlock, j = index % across * kColumns;
    const RowRange left = {i, std::min(i + kBlock, a.rows)}, right = {j, std::min(j + kColumns, b.rows)};
    float* block = out + i * b.rows + j;
    if (as_stored) {
      quantized_block(similarity, a, left, b, right, block, b.rows);
    } else {
      const Floats x(a.slice(left)), y(b.slice(right));
      similarity_block(similarity, x.matrix(), {0, left.size()}, y.matrix(), {0, right.size()}, block, b.rows);
    }
  });
}

void similarity_pairwise(Similarity similarity, const Rows& a, const Rows& b, RowRange rows, float* out) {
  const VectorKernels& vector = vector_kernels();
  const std::size_t dim = a.dim;
  for (std::size_t begin = rows.begin; begin < rows.end; begin += kBlock) {
    const RowRange part = {begin, std::min(begin + kBlock, rows.end)};
    const Floats left(a.slice(part)), right(b.slice(part));
    for (std::size_t r = 0; r < part.size(); ++r) {
      const float *x = left.matrix().row(r), *y = right.matrix().row(r);
      float value = 0.0f;
      switch (similarity) {
        case Similarity::kCosine: value = vector.dot(x, y, dim) * inverse_norm(x, dim) * inverse_norm(y, dim); break;
        case Similarity::kDot: value = vector.dot(x, y, dim); break;
        case Similarity::kEuclidean: value = -std::sqrt(vector.squared_distance(x, y, dim)); break;
        case Similarity::kManhattan: value = -vector.l1_distance(x, y, dim); break;
      }
      *out++ = value;
    }
  }
}

}  // namespace stillvec::search
