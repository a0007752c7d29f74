#pragma once

#include <cmath>
#include <limits>

namespace stillvec::training {

// exp and log in double, to an absolute error of 1e-16 where x <= 0 and x >= 1: of the C library that a prebuilt addon
// may ask for, exp and log themselves are too new (scripts/check-binary.mjs).
inline double exponential(double x) { return std::expm1(x) + 1.0; }
inline double logarithm(double x) { return std::log1p(x - 1.0); }

// log(exp(x_1) + exp(x_2) + ...), one after the other, for numbers of any size.
class LogSumExp {
 public:
  void add(double x) {
    if (x > largest_) {
      sum_ = sum_ * exponential(largest_ - x) + 1.0;
      largest_ = x;
    } else if (sum_ > 0.0) {
      sum_ += exponential(x - largest_);
    }
  }

  // Minus infinity for no numbers.
  double value() const { return sum_ > 0.0 ? largest_ + logarithm(sum_) : largest_; }

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0.0;  // of exp(x - largest_)
};

}  // namespace stillvec::training
