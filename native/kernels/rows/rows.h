#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// A row of a matrix, by its number, and its weight in a sum.
struct WeightedRow {
  std::uint32_t row;
  float weight;
};

// Sums of whole rows of an f32 matrix.
struct RowKernels {
  // for k < n:  out[k] = sum over i < count of rows[i].weight * matrix[rows[i].row * stride + k]
  // (zeros for count = 0; added in the order of `rows`, four rows at a time). `next`: a row or more that will be summed
  // after these, to be fetched meanwhile.
  void (*weighted_sum)(const float* matrix, std::size_t stride, const WeightedRow* rows, std::size_t count,
                       const WeightedRow* next, std::size_t next_count, std::size_t n, float* out);

  // returns sum over k < n of x[k]^2
  float (*squared_norm)(const float* x, std::size_t n);

  // for k < n:  y[k] += a * x[k]
  void (*add_scaled)(float a, const float* x, std::size_t n, float* y);

  // for k < n:  y[k] *= a
  void (*scale)(float a, std::size_t n, float* y);

  // for k < n:  y[k] /= a
  void (*divide)(float a, std::size_t n, float* y);
};

const RowKernels& row_kernels(Isa isa);
const RowKernels& row_kernels();  // those of cpu().active

}  // namespace stillvec::kernels
