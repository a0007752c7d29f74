#pragma once

#include <cstddef>

namespace stillvec::training {

// How alike two vectors are, or how far apart, and the gradient of that. Where it has none (a vector of no length, two
// equal ones), nothing is added.
struct PairMetric {
  double (*measure)(const float* a, const float* b, std::size_t n);

  // a_gradient += weight * d measure / d a, and the same for b; b_gradient may be null.
  void (*add_gradient)(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                       float* b_gradient);
};

namespace metrics {

extern const PairMetric kDot;
extern const PairMetric kCosine;          // a b / (|a| |b|); 0 for a vector shorter than 1e-12
extern const PairMetric kCosineDistance;  // 1 - cosine
extern const PairMetric kEuclidean;       // |a - b|
extern const PairMetric kManhattan;       // sum of |a_k - b_k|
extern const PairMetric kSquaredMean;     // mean of (a_k - b_k)^2

// Sentence Transformers' pairwise_angle_sim (Li and Li 2024, AoE). With the halves of a vector as the real and the
// imaginary parts of complex numbers (of odd n, the last imaginary part is 0): the sum of all parts of a / b, each
// scaled to length one as a whole, without its sign.
extern const PairMetric kAngle;

}  // namespace metrics

}  // namespace stillvec::training
