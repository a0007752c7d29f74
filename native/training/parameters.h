#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "training/config.h"

namespace stillvec::training {

// Numbers that a loss learns beside the table, and the AdamW that moves them: dense, and not clipped, as the Trainer of
// Hugging Face does with what is of the loss and not of the model.
class Parameters {
 public:
  // The first `decayed` of `count` values have weight decay.
  Parameters(std::size_t count, std::size_t decayed);

  std::span<float> values() { return values_; }
  std::span<float> gradient() { return gradient_; }

  // torch.optim.AdamW, whatever the optimizer of the table.
  void step(const OptimizerConfig& config, double learning_rate);

  // For exact resume, all that the next steps depend on: appends state_size() numbers; takes as many.
  std::size_t state_size() const { return 2 + 3 * values_.size(); }
  void describe(std::vector<double>& state) const;
  void restore(std::span<const double> state);

 private:
  const std::size_t decayed_;
  std::vector<float> values_, gradient_, first_moment_, second_moment_;
  double beta1_power_ = 1.0, beta2_power_ = 1.0;  // to the steps taken
};

}  // namespace stillvec::training
