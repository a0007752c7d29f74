#pragma once

#include <cstddef>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// The pieces of a softmax over one row of scores s and of its gradient, in f32.
struct SoftmaxKernels {
  // Logits are z[j] = s[j] * (row_scale * column_scale[j])     (column_scale null: all ones)

  // returns max over j < n of z[j], -infinity for n = 0
  float (*largest)(const float* s, const float* column_scale, float row_scale, std::size_t n);

  // for j < n:  e[j] = exp(z[j] - shift)     z[j] - shift <= 1; within 3 ULP, and exactly 0 where it is below -88
  // returns the sum
  float (*exponentials)(const float* s, const float* column_scale, float row_scale, float shift, std::size_t n,
                        float* e);

  // for j < n:  u = e[j] * (row_scale * column_scale[j]),  column_sums[j] += u * s[j],  h[j] += u,  s[j] = h[j]
  // returns the sum of u * s[j] (as it was)
  float (*gradient)(const float* e, const float* column_scale, float row_scale, std::size_t n, float* s, float* h,
                    float* column_sums);
};

const SoftmaxKernels& softmax_kernels(Isa isa);
const SoftmaxKernels& softmax_kernels();  // those of cpu().active

}  // namespace stillvec::kernels
