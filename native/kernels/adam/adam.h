#pragma once

#include <cstddef>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// The scalars of one Adam update of one row.
struct AdamUpdate {
  float gradient_scale = 1.0f;  // of clipping
  float beta1_decay = 0.0f;     // beta1, to the power of the steps since the moments were written
  float beta1_gain = 0.0f;      // 1 - beta1
  float beta2_decay = 0.0f;
  float beta2_gain = 0.0f;
  float weight_decay = 1.0f;  // factor of the weights: 1 - learning rate * decay
  float step_size = 0.0f;
  float root_scale = 1.0f;  // 1 / sqrt(bias correction of the second moment), or 1
  float eps = 0.0f;
};

// What moves a row that had no gradient for some steps: with s = sqrt(v) at the last update, step t adds
// -m * weight[t] / (s + shift[t]), where weight and shift depend on the steps only.
struct AdamSlumber {
  static constexpr std::size_t kTerms = 6;

  float weight_decay = 1.0f;       // factor of the weights over the whole time
  float inverse_center = 0.0f;     // 1 / x, the point about which the sum is expanded
  float terms[kTerms] = {};        // sum over t of weight[t] (x - shift[t])^k / x^(k + 1)
  float safe_root = 0.0f;          // where s is below this, the sum itself is taken, over the steps
  const float* weights = nullptr;  // one a step
  const float* shifts = nullptr;
  std::size_t steps = 0;
};

struct AdamKernels {
  // for k < n, with g = gradient_scale * gradient[k]:
  //   m[k] = beta1_decay m[k] + beta1_gain g
  //   v[k] = beta2_decay v[k] + beta2_gain g^2
  //   p[k] = weight_decay p[k] - step_size m[k] / (root_scale sqrt(v[k]) + eps)
  void (*update)(const AdamUpdate& update, const float* gradient, std::size_t n, float* p, float* m, float* v);

  // for k < n, with y = 1 / (sqrt(v[k]) / x + 1):
  //   p[k] = weight_decay p[k] - m[k] (terms[0] y + terms[1] y^2 + ...)
  // or, where sqrt(v[k]) < safe_root for any element of a vector, the sum over the steps for all of it
  void (*catch_up)(const AdamSlumber& slumber, const float* m, const float* v, std::size_t n, float* p);
};

const AdamKernels& adam_kernels(Isa isa);
const AdamKernels& adam_kernels();  // those of cpu().active

}  // namespace stillvec::kernels
