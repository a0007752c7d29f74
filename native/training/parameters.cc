#include "training/parameters.h"

#include <algorithm>
#include <cmath>

#include "kernels/adam/adam.h"

namespace stillvec::training {

Parameters::Parameters(std::size_t count, std::size_t decayed)
    : decayed_(decayed), values_(count), gradient_(count), first_moment_(count), second_moment_(count) {}

void Parameters::step(const OptimizerConfig& config, double learning_rate) {
  const double beta1 = static_cast<double>(config.beta1), beta2 = static_cast<double>(config.beta2);
  beta1_power_ *= beta1;
  beta2_power_ *= beta2;
  kernels::AdamUpdate update;
  update.beta1_decay = config.beta1;
  update.beta1_gain = static_cast<float>(1.0 - beta1);
  update.beta2_decay = config.beta2;
  update.beta2_gain = static_cast<float>(1.0 - beta2);
  update.weight_decay = static_cast<float>(1.0 - learning_rate * static_cast<double>(config.weight_decay));
  update.step_size = static_cast<float>(learning_rate / (1.0 - beta1_power_));
  update.root_scale = static_cast<float>(1.0 / std::sqrt(1.0 - beta2_power_));
  update.eps = config.eps;
  const auto move = [&](std::size_t begin, std::size_t end) {
    kernels::adam_kernels().update(update, gradient_.data() + begin, end - begin, values_.data() + begin,
                                   first_moment_.data() + begin, second_moment_.data() + begin);
  };
  move(0, decayed_);
  update.weight_decay = 1.0f;
  move(decayed_, values_.size());
}

void Parameters::describe(std::vector<double>& state) const {
  state.push_back(beta1_power_);
  state.push_back(beta2_power_);
  for (const std::vector<float>* part : {&values_, &first_moment_, &second_moment_}) {
    state.insert(state.end(), part->begin(), part->end());
  }
}

void Parameters::restore(std::span<const double> state) {
  beta1_power_ = state[0];
  beta2_power_ = state[1];
  state = state.subspan(2);
  for (std::vector<float>* part : {&values_, &first_moment_, &second_moment_}) {
    std::ranges::transform(state.first(part->size()), part->begin(), [](double x) { return static_cast<float>(x); });
    state = state.subspan(part->size());
  }
}

}  // namespace stillvec::training
