#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// Arithmetic on whole rows of f32.
struct RowKernels {
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
