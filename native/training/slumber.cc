#include "training/slumber.h"

#include <algorithm>
#include <cmath>

namespace stillvec::training {
namespace {

constexpr std::size_t kTerms = kernels::AdamSlumber::kTerms;

// What is left out of a sum over the steps, relative to its first terms.
constexpr double kNegligible = 1e-9;
// What is left out of the expansion, relative to the sum.
constexpr double kTolerance = 1e-7;
constexpr std::size_t kEndless = static_cast<std::size_t>(-1);

float power(double base, std::uint64_t n) {
  constexpr double kLeast = 1e-30;
  double result = 1.0;
  for (double square = base; n != 0; n >>= 1, square *= square) {
    if (n & 1) result *= square;
  }
  return result < kLeast ? 0.0f : static_cast<float>(result);
}

}  // namespace

SlumberTable::SlumberTable(float beta1, float beta2, float eps, float weight_decay)
    : beta1_(beta1), beta2_(beta2), eps_(eps), weight_decay_(weight_decay), root2_(std::sqrt(beta2_)) {
  const double ratio = beta2_ > 0.0 ? beta1_ / root2_ : 1.0;
  window_ = 1;
  for (double left = ratio; left > kNegligible * (1.0 - ratio); left *= ratio, ++window_) {
    if (ratio > 0.999) {
      window_ = kEndless;
      break;
    }
  }
}

void SlumberTable::push(double learning_rate) {
  // All memory first: a step that is not recorded whole is taken again.
  for (std::vector<double>* history : {&learning_rates_, &rates_, &roots_, &decays_, &falling_, &rising_}) {
    if (history->size() == history->capacity()) history->reserve(2 * history->size() + 1);
  }
  power1_ *= beta1_;
  power2_ *= beta2_;
  learning_rates_.push_back(learning_rate);
  rates_.push_back(learning_rate / bias_correction1());
  roots_.push_back(std::sqrt(bias_correction2()));
  decays_.push_back(1.0 - learning_rate * weight_decay_);
  if (falling_.size() < rates_.size()) {
    falling_.push_back((falling_.empty() ? 1.0 : falling_.back()) * (beta1_ / root2_));
    rising_.push_back((rising_.empty() ? 1.0 : rising_.back()) / root2_);
  }
}

void SlumberTable::forget() {
  base_ = step();
  for (std::vector<double>* history : {&learning_rates_, &rates_, &roots_, &decays_}) history->clear();
  series_.clear();
  slumbers_.clear();
  prepared_.clear();
  steps_.clear();
}

void SlumberTable::restore(std::uint64_t base, std::span<const double> learning_rates) {
  forget();
  base_ = base;
  power1_ = power2_ = 1.0;
  for (std::uint64_t t = 0; t < base; ++t) {
    const double before1 = power1_, before2 = power2_;
    power1_ *= beta1_;
    power2_ *= beta2_;
    if (power1_ == before1 && power2_ == before2) break;  // and so for ever, whatever the base
  }
  for (double rate : learning_rates) push(rate);
}

float SlumberTable::beta1_power(std::uint64_t n) const { return power(beta1_, n); }
float SlumberTable::beta2_power(std::uint64_t n) const { return power(beta2_, n); }

void SlumberTable::prepare(std::span<const std::uint32_t> since) {
  const std::size_t count = rates_.size();
  if (steps_.size() < count) {  // the last of them: what fails in between is done again
    series_.resize(count);
    slumbers_.resize(count);
    prepared_.resize(count, 0);
    steps_.resize(count);
  }
  if (weight_decay_ != 0.0) {
    suffix_decays_.assign(count + 1, 1.0);
    for (std::size_t i = count; i-- > 0;) suffix_decays_[i] = suffix_decays_[i + 1] * decays_[i];
  }
  for (std::uint32_t step_number : since) {
    const std::size_t i = static_cast<std::size_t>(step_number - base_);
    if (i >= count || prepared_[i] == step()) continue;
    Series& series = series_[i];
    if (!series.complete) sum(i, series);
    const double rest = weight_decay_ == 0.0 ? 1.0 : suffix_decays_[series.end];
    kernels::AdamSlumber& slumber = slumbers_[i];
    slumber.weight_decay = static_cast<float>(series.decay * rest);
    slumber.inverse_center = static_cast<float>(1.0 / series.center);
    for (std::size_t k = 0; k < kTerms; ++k) slumber.terms[k] = static_cast<float>(series.terms[k] * rest);
    slumber.safe_root = static_cast<float>(series.safe_root);
    slumber.steps = 0;
    if (series.safe_root > 0.0) {
      const std::size_t steps = series.end - i;
      steps_[i].resize(2 * steps);
      list_steps(i, series.end, rest, steps_[i].data(), steps_[i].data() + steps);
      slumber.weights = steps_[i].data();
      slumber.shifts = steps_[i].data() + steps;
      slumber.steps = steps;
    }
    prepared_[i] = step();
  }
}

// Calls visit(w, x) for the steps (since, end], the last one first; w includes the weights' decay up to `end`.
template <typename Visit>
void SlumberTable::visit_steps(std::size_t since, std::size_t end, Visit&& visit) const {
  double decay = 1.0;
  for (std::size_t t = end; t-- > since;) {
    const std::size_t n = t - since;
    visit(rates_[t] * falling_[n] * roots_[t] * decay, eps_ * roots_[t] * rising_[n]);
    decay *= decays_[t];
  }
}

void SlumberTable::sum(std::size_t since, Series& series) const {
  series.complete = window_ != kEndless && rates_.size() - since >= window_;
  series.end = series.complete ? since + window_ : rates_.size();
  series.decay = 1.0;
  if (weight_decay_ != 0.0) {
    for (std::size_t t = since; t < series.end; ++t) series.decay *= decays_[t];
  }

  // Twice over the steps: the mean of x, then the moments about it.
  double total = 0.0, mean = 0.0;
  visit_steps(since, series.end, [&](double weight, double shift) {
    total += weight;
    mean += weight * shift;
  });
  for (double& term : series.terms) term = 0.0;
  series.center = 1.0;
  series.safe_root = -1.0;
  if (!(total > 0.0)) return;  // every learning rate was zero
  series.center = mean / total;

  double inverse_total = 0.0, remainder = 0.0, inverse_remainder = 0.0;
  visit_steps(since, series.end, [&](double weight, double shift) {
    const double distance = 1.0 - shift / series.center;
    double term = weight / series.center;
    for (double& sum_of_power : series.terms) {
      sum_of_power += term;
      term *= distance;
    }
    // The remainder of the expansion at s is, for each step, (distance y)^terms of that step's share of the sum: for
    // large s the shares are as the weights, for s = 0 as weight / shift.
    const double left_out = std::abs(term) * series.center;
    remainder += left_out;
    inverse_remainder += left_out / shift;
    inverse_total += weight / shift;
  });
  const double relative = std::max(remainder / total, inverse_remainder / inverse_total) / kTolerance;
  static_assert(kTerms == 6, "the root below is the sixth");
  series.safe_root = series.center * (std::sqrt(std::cbrt(relative)) - 1.0);
}

void SlumberTable::list_steps(std::size_t since, std::size_t end, double scale, float* weights, float* shifts) const {
  std::size_t i = end - since;
  visit_steps(since, end, [&](double weight, double shift) {
    --i;
    weights[i] = static_cast<float>(weight * scale);
    shifts[i] = static_cast<float>(shift);
  });
}

}  // namespace stillvec::training
