#include "training/objectives/pair_metric.h"

#include <cmath>

#include "kernels/rows/rows.h"
#include "kernels/vector/vector.h"

namespace stillvec::training {
namespace {

// As torch's normalize: below this length a direction is not defined.
constexpr double kLeastNorm = 1e-12;

double dot(const float* a, const float* b, std::size_t n) {
  return static_cast<double>(kernels::vector_kernels().dot(a, b, n));
}

double norm(const float* x, std::size_t n) {
  return std::sqrt(static_cast<double>(kernels::row_kernels().squared_norm(x, n)));
}

void add(double factor, const float* x, std::size_t n, float* sum) {
  kernels::row_kernels().add_scaled(static_cast<float>(factor), x, n, sum);
}

void add_dot_gradient(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                      float* b_gradient) {
  add(weight, b, n, a_gradient);
  if (b_gradient != nullptr) add(weight, a, n, b_gradient);
}

double cosine(const float* a, const float* b, std::size_t n) {
  const double a_norm = norm(a, n), b_norm = norm(b, n);
  return a_norm < kLeastNorm || b_norm < kLeastNorm ? 0.0 : dot(a, b, n) / (a_norm * b_norm);
}

void add_cosine_gradient(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                         float* b_gradient) {
  const double a_norm = norm(a, n), b_norm = norm(b, n);
  if (a_norm < kLeastNorm || b_norm < kLeastNorm) return;
  const double product = weight / (a_norm * b_norm), along = product * dot(a, b, n);
  add(product, b, n, a_gradient);
  add(-along / (a_norm * a_norm), a, n, a_gradient);
  if (b_gradient == nullptr) return;
  add(product, a, n, b_gradient);
  add(-along / (b_norm * b_norm), b, n, b_gradient);
}

double cosine_distance(const float* a, const float* b, std::size_t n) { return 1.0 - cosine(a, b, n); }

void add_cosine_distance_gradient(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                                  float* b_gradient) {
  add_cosine_gradient(-weight, a, b, n, a_gradient, b_gradient);
}

double squared_distance(const float* a, const float* b, std::size_t n) {
  return static_cast<double>(kernels::vector_kernels().squared_distance(a, b, n));
}

// Of factor / 2 * |a - b|^2. The difference is taken first: a and b may be much longer than it is.
void add_difference(double factor, const float* a, const float* b, std::size_t n, float* a_gradient,
                    float* b_gradient) {
  const float slope = static_cast<float>(factor);
  for (std::size_t k = 0; k < n; ++k) a_gradient[k] += slope * (a[k] - b[k]);
  if (b_gradient == nullptr) return;
  for (std::size_t k = 0; k < n; ++k) b_gradient[k] -= slope * (a[k] - b[k]);
}

double euclidean(const float* a, const float* b, std::size_t n) { return std::sqrt(squared_distance(a, b, n)); }

void add_euclidean_gradient(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                            float* b_gradient) {
  const double distance = euclidean(a, b, n);
  if (distance > 0.0) add_difference(weight / distance, a, b, n, a_gradient, b_gradient);
}

double squared_mean(const float* a, const float* b, std::size_t n) {
  return squared_distance(a, b, n) / static_cast<double>(n);
}

void add_squared_mean_gradient(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                               float* b_gradient) {
  add_difference(2.0 * weight / static_cast<double>(n), a, b, n, a_gradient, b_gradient);
}

double manhattan(const float* a, const float* b, std::size_t n) {
  return static_cast<double>(kernels::vector_kernels().l1_distance(a, b, n));
}

void add_manhattan_gradient(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                            float* b_gradient) {
  const float slope = static_cast<float>(weight);
  const auto sign = [&](std::size_t k) { return static_cast<float>((a[k] > b[k]) - (a[k] < b[k])); };
  for (std::size_t k = 0; k < n; ++k) a_gradient[k] += slope * sign(k);
  if (b_gradient == nullptr) return;
  for (std::size_t k = 0; k < n; ++k) b_gradient[k] -= slope * sign(k);
}

// With a = p + iq and b = r + is by halves, the real parts of a / b sum to (p r + q s) / |b|^2, the imaginary ones to
// (q r - p s) / |b|^2; scaled by |b| / |a|, all is one product over |a| |b|.
double turned_product(const float* a, const float* b, std::size_t n) {
  const std::size_t half = (n + 1) / 2, imaginary = n - half;
  return dot(a, b, n) + dot(a + half, b, imaginary) - dot(a, b + half, imaginary);
}

double angle(const float* a, const float* b, std::size_t n) {
  const double a_norm = norm(a, n), b_norm = norm(b, n);
  if (a_norm < kLeastNorm || b_norm < kLeastNorm) return 0.0;
  return std::fabs(turned_product(a, b, n)) / (a_norm * b_norm);
}

void add_angle_gradient(double weight, const float* a, const float* b, std::size_t n, float* a_gradient,
                        float* b_gradient) {
  const double a_norm = norm(a, n), b_norm = norm(b, n);
  if (a_norm < kLeastNorm || b_norm < kLeastNorm) return;
  const std::size_t half = (n + 1) / 2, imaginary = n - half;
  const double sum = turned_product(a, b, n);
  const double product = (sum < 0.0 ? -weight : weight) / (a_norm * b_norm), along = product * sum;
  add(product, b, n, a_gradient);
  add(product, b, imaginary, a_gradient + half);
  add(-product, b + half, imaginary, a_gradient);
  add(-along / (a_norm * a_norm), a, n, a_gradient);
  if (b_gradient == nullptr) return;
  add(product, a, n, b_gradient);
  add(product, a + half, imaginary, b_gradient);
  add(-product, a, imaginary, b_gradient + half);
  add(-along / (b_norm * b_norm), b, n, b_gradient);
}

}  // namespace

namespace metrics {

const PairMetric kDot = {dot, add_dot_gradient};
const PairMetric kCosine = {cosine, add_cosine_gradient};
const PairMetric kCosineDistance = {cosine_distance, add_cosine_distance_gradient};
const PairMetric kEuclidean = {euclidean, add_euclidean_gradient};
const PairMetric kManhattan = {manhattan, add_manhattan_gradient};
const PairMetric kSquaredMean = {squared_mean, add_squared_mean_gradient};
const PairMetric kAngle = {angle, add_angle_gradient};

}  // namespace metrics

}  // namespace stillvec::training
