#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/adam/adam.h"

namespace stillvec::training {

// How AdamW moves a row while it has no gradient.
//
// Let a row be updated at step u, and s = sqrt(v) then. At step t = u + n its moments are b1^n m and b2^n v, so that
// step takes away, with c_t = sqrt(1 - b2^t) and q = sqrt(b2),
//
//     rate_t * b1^n m / (q^n s / c_t + eps)  =  m * w_t / (s + x_t),    x_t = eps c_t / q^n,   w_t = rate_t b1^n c_t /
//     q^n
//
// where rate_t is the learning rate over 1 - b1^t. Neither w nor x knows the element. All x_t are near each other, so
// about their mean x, weighted by w,
//
//     sum over t of w_t / (s + x_t)  =  y (a_0 + a_1 y + a_2 y^2 ...),  y = 1 / (s / x + 1),
//     a_k = sum over t of w_t (1 - x_t / x)^k / x
//
// A few terms give f32 accuracy for any s, but in the first steps, where c_t grows fast: there an s below a bound takes
// the sum itself. w falls like (b1 / q)^n, so steps past some hundred add nothing and the sum is that of the first
// ones.
class SlumberTable {
 public:
  SlumberTable(float beta1, float beta2, float eps, float weight_decay);

  // The next step, of which rows that sleep through it will need to know.
  void push(double learning_rate);
  std::uint64_t step() const { return base_ + rates_.size(); }

  double bias_correction1() const { return 1.0 - power1_; }
  double bias_correction2() const { return 1.0 - power2_; }

  // Forgets the steps so far: every row has been brought up to step().
  void forget();
  std::uint64_t base() const { return base_; }

  // Makes get() ready for rows last updated at the steps `since`, to be brought up to step().
  void prepare(std::span<const std::uint32_t> since);
  const kernels::AdamSlumber& get(std::uint64_t since) const { return slumbers_[since - base_]; }

  // beta^n as f32; 0 where it is too small to matter.
  float beta1_power(std::uint64_t n) const;
  float beta2_power(std::uint64_t n) const;

  // The learning rates of steps base() + 1 ... step(): with base(), all that this table knows.
  std::span<const double> learning_rates() const { return learning_rates_; }
  void restore(std::uint64_t base, std::span<const double> learning_rates);

 private:
  struct Series {
    double terms[kernels::AdamSlumber::kTerms] = {};
    double center = 1.0;
    double safe_root = -1.0;
    std::size_t end = 0;  // index of the step after the last one in the sum
    double decay = 1.0;   // of the weights, over the steps in the sum
    bool complete = false;
  };

  template <typename Visit>
  void visit_steps(std::size_t since, std::size_t end, Visit&& visit) const;
  void sum(std::size_t since, Series& series) const;
  void list_steps(std::size_t since, std::size_t end, double scale, float* weights, float* shifts) const;

  const double beta1_, beta2_, eps_, weight_decay_;
  const double root2_;  // q
  std::size_t window_;  // steps after which nothing moves

  std::uint64_t base_ = 0;
  double power1_ = 1.0, power2_ = 1.0;  // beta^step()
  // Per step after base_.
  std::vector<double> learning_rates_;
  std::vector<double> rates_;
  std::vector<double> roots_;             // c
  std::vector<double> decays_;            // 1 - learning rate * weight decay
  std::vector<double> falling_, rising_;  // (b1 / q)^n and q^-n, from n = 1
  // Per step from base_ on.
  std::vector<Series> series_;
  std::vector<kernels::AdamSlumber> slumbers_;
  std::vector<std::uint64_t> prepared_;    // for which step slumbers_ is
  std::vector<double> suffix_decays_;      // product of decays_ from a step on
  std::vector<std::vector<float>> steps_;  // weights and shifts of series that need them
};

}  // namespace stillvec::training
