#include "training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "kernels/adam/adam.h"
#include "kernels/bag/bag.h"
#include "kernels/prefetch.h"
#include "kernels/products/products.h"
#include "kernels/rows/rows.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kRowsPerChunk = 64;

// Steps that rows may sleep through before all are caught up and the history is dropped: it bounds what has to be kept.
constexpr std::size_t kMostHistory = 4096;

// No less than the norm of the gradient: the norm of a sum is at most the sum of the norms.
double norm_bound(const TouchedRows& touched, std::span<const float> text_norms) {
  double squared = 0.0;
  for (std::size_t i = 0; i < touched.rows().size(); ++i) {
    double bound = 0.0;
    for (const kernels::WeightedRow& text : touched.texts(i)) {
      bound += static_cast<double>(text.weight) * static_cast<double>(text_norms[text.row]);
    }
    squared += bound * bound;
  }
  constexpr double kRounding = 1.001;
  return std::sqrt(squared) * kRounding;
}

// Asked for before a row's gradient is summed; what follows, the hardware's prefetcher finds.
constexpr std::size_t kFirstBytes = 512;

// As torch.nn.utils.clip_grad_norm_.
double clip_factor(double norm, double most) { return std::min(1.0, most / (norm + 1e-6)); }

}  // namespace

Optimizer::Optimizer(ThreadPool& pool, const OptimizerConfig& config, std::size_t rows, std::size_t dim)
    : pool_(pool),
      config_(config),
      decays_(config.weight_decay != 0.0f),
      rows_(rows),
      dim_(dim),
      slumber_(config.beta1, config.beta2, config.eps, config.weight_decay),
      first_moment_(Buffer<float>::zeroed(rows * dim)),
      second_moment_(Buffer<float>::zeroed(rows * dim)),
      last_(rows, 0),
      scratch_(pool.size()) {
  for (Buffer<float>& row : scratch_) row.reserve(dim);
}

void Optimizer::catch_up(std::span<const std::uint32_t> rows, float* table) {
  if (slumber_.step() - slumber_.base() >= kMostHistory) synchronize(table);
  if (config_.kind != OptimizerKind::kAdamW) return;
  sleeping_.clear();
  for (std::uint32_t row : rows) {
    if (sleeps(row) && !is_ahead(row)) sleeping_.push_back(last_[row]);
  }
  if (sleeping_.empty() && !has_ahead_) return;
  slumber_.prepare(sleeping_);
  const kernels::AdamKernels& adam = kernels::adam_kernels();
  pool_.parallel_for(kernels::blocks_for(rows.size(), kRowsPerChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(rows.size(), (chunk + 1) * kRowsPerChunk);
    for (std::size_t i = chunk * kRowsPerChunk; i < end; ++i) {
      const std::size_t row = rows[i];
      if (!sleeps(row)) continue;
      if (is_ahead(row)) {
        last_[row] = last_step(row);
        continue;
      }
      adam.catch_up(slumber_.get(last_[row]), first_moment_.data() + row * dim_, second_moment_.data() + row * dim_,
                    dim_, table + row * dim_);
    }
  });
  if (!std::exchange(has_ahead_, false)) return;
  // The batch that these were for does not come next.
  for (std::size_t row = 0; row < rows_; ++row) {
    if (is_ahead(row)) wake(row);
  }
}

void Optimizer::settle(std::span<const std::uint32_t> rows) {
  for (const std::uint32_t row : rows) {
    if (!sleeps(row)) continue;
    last_[row] |= kAhead;
    has_ahead_ = true;
  }
}

// Moments as of the last step, for a row whose weights are.
void Optimizer::wake(std::size_t row) {
  const kernels::RowKernels& row_kernels = kernels::row_kernels();
  const std::uint64_t steps = slumber_.step() - last_step(row);
  row_kernels.scale(slumber_.beta1_power(steps), dim_, first_moment_.data() + row * dim_);
  row_kernels.scale(slumber_.beta2_power(steps), dim_, second_moment_.data() + row * dim_);
  last_[row] = static_cast<std::uint32_t>(slumber_.step());
}

void Optimizer::synchronize(float* table) {
  if (config_.kind == OptimizerKind::kAdamW) {
    prepare_all();
    const kernels::AdamKernels& adam = kernels::adam_kernels();
    pool_.parallel_for(kernels::blocks_for(rows_, kRowsPerChunk), [&](std::size_t chunk, unsigned) {
      const std::size_t end = std::min(rows_, (chunk + 1) * kRowsPerChunk);
      for (std::size_t row = chunk * kRowsPerChunk; row < end; ++row) {
        if (!sleeps(row)) continue;
        if (!is_ahead(row)) {
          adam.catch_up(slumber_.get(last_[row]), first_moment_.data() + row * dim_, second_moment_.data() + row * dim_,
                        dim_, table + row * dim_);
        }
        wake(row);
      }
    });
  }
  has_ahead_ = false;
  slumber_.forget();
}

void Optimizer::prepare_all() {
  sleeping_.clear();
  for (std::size_t row = 0; row < rows_; ++row) {
    if (sleeps(row) && !is_ahead(row)) sleeping_.push_back(last_[row]);
  }
  slumber_.prepare(sleeping_);
}

void Optimizer::snapshot(const float* table, float* out) {
  prepare_all();
  const kernels::AdamKernels& adam = kernels::adam_kernels();
  pool_.parallel_for(kernels::blocks_for(rows_, kRowsPerChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(rows_, (chunk + 1) * kRowsPerChunk);
    for (std::size_t row = chunk * kRowsPerChunk; row < end; ++row) {
      std::memcpy(out + row * dim_, table + row * dim_, dim_ * sizeof(float));
      if (!sleeps(row) || is_ahead(row)) continue;
      adam.catch_up(slumber_.get(last_[row]), first_moment_.data() + row * dim_, second_moment_.data() + row * dim_,
                    dim_, out + row * dim_);
    }
  });
}

double Optimizer::step(const TouchedRows& touched, const TextGradients& gradients, std::span<const float> text_norms,
                       double learning_rate, float* table) {
  const kernels::SumRows sum_rows = kernels::bag_kernels().sum_f32;
  const kernels::RowKernels& row_kernels = kernels::row_kernels();
  const kernels::AdamKernels& adam = kernels::adam_kernels();
  const std::span<const std::uint32_t> rows = touched.rows();
  const std::span<const std::size_t> runs = touched.runs();
  squared_norms_.resize(rows.size());
  for (Buffer<float>& row : scratch_)
    std::memset(row.data() + gradients.width, 0, (dim_ - gradients.width) * sizeof(float));

  const auto sum_row = [&](std::size_t i, float* out) {
    const std::span<const kernels::WeightedRow> texts = touched.texts(i);
    const std::span<const kernels::WeightedRow> next = touched.texts_behind(i);
    sum_rows({gradients.rows, nullptr, gradients.stride}, {texts.data(), texts.size(), next.data(), next.size()}, 1.0f,
             gradients.width, out);
    squared_norms_[i] = row_kernels.squared_norm(out, gradients.width);
  };
  const auto norm = [&] {
    double squared = 0.0;
    for (double row : squared_norms_) squared += row;
    return std::sqrt(squared);
  };

  double clip = 1.0;
  if (config_.max_grad_norm.has_value() &&
      norm_bound(touched, text_norms) > static_cast<double>(*config_.max_grad_norm)) {
    pool_.parallel_for(runs.size() - 1, [&](std::size_t run, unsigned slot) {
      for (std::size_t i = runs[run]; i < runs[run + 1]; ++i) sum_row(i, scratch_[slot].data());
    });
    clip = clip_factor(norm(), static_cast<double>(*config_.max_grad_norm));
  }

  slumber_.push(learning_rate);
  const std::uint64_t now = slumber_.step();
  const double correction1 = slumber_.bias_correction1(), root2 = std::sqrt(slumber_.bias_correction2());
  const bool is_lazy = config_.kind == OptimizerKind::kAdamW;
  kernels::AdamUpdate common;
  common.gradient_scale = static_cast<float>(clip);
  common.beta1_gain = static_cast<float>(1.0 - static_cast<double>(config_.beta1));
  common.beta2_gain = static_cast<float>(1.0 - static_cast<double>(config_.beta2));
  common.weight_decay = static_cast<float>(1.0 - learning_rate * static_cast<double>(config_.weight_decay));
  common.step_size = static_cast<float>(is_lazy ? learning_rate / correction1 : learning_rate * root2 / correction1);
  common.root_scale = static_cast<float>(is_lazy ? 1.0 / root2 : 1.0);
  common.eps = config_.eps;

  pool_.parallel_for(runs.size() - 1, [&](std::size_t run, unsigned slot) {
    float* row_gradient = scratch_[slot].data();
    for (std::size_t i = runs[run]; i < runs[run + 1]; ++i) {
      const std::size_t row = rows[i];
      float* p = table + row * dim_;
      float* m = first_moment_.data() + row * dim_;
      float* v = second_moment_.data() + row * dim_;
      for (const float* values : {p, m, v}) {
        kernels::prefetch_for_write(values, std::min(kFirstBytes, dim_ * sizeof(float)));
      }
      sum_row(i, row_gradient);
      kernels::AdamUpdate update = common;
      // A row that slept has its moments as they were when it fell asleep.
      const std::uint64_t steps = is_lazy && last_[row] != 0 ? now - last_[row] : 1;
      update.beta1_decay = slumber_.beta1_power(steps);
      update.beta2_decay = slumber_.beta2_power(steps);
      adam.update(update, row_gradient, dim_, p, m, v);
      last_[row] = static_cast<std::uint32_t>(now);
    }
  });
  return norm();
}

void Optimizer::describe(TrainerState& state) const {
  state.first_moment = {first_moment_.data(), rows_ * dim_};
  state.second_moment = {second_moment_.data(), rows_ * dim_};
  state.last_steps = last_;
  state.history_begin = slumber_.base();
  state.learning_rates = slumber_.learning_rates();
}

Status Optimizer::restore(const TrainerState& state) {
  if (state.first_moment.size() != rows_ * dim_ || state.second_moment.size() != rows_ * dim_) {
    return {Code::kInvalidArgument, "the moments have another shape than the table"};
  }
  if (state.last_steps.size() != rows_) {
    return {Code::kInvalidArgument, "there is not one last step for each row of the table"};
  }
  const std::size_t known = state.learning_rates.size();
  if (known > kMostHistory || state.history_begin >= kAhead - known) {
    return {Code::kInvalidArgument, "steps " + std::to_string(state.history_begin) + " and " + std::to_string(known) +
                                        " learning rates after it are more than a run has"};
  }
  for (double rate : state.learning_rates) {
    if (!(rate >= 0.0) || !std::isfinite(rate)) {
      return {Code::kInvalidArgument, "a learning rate of the history is not finite or is negative"};
    }
  }
  const std::uint64_t now = state.history_begin + known;
  for (std::uint32_t saved : state.last_steps) {
    const std::uint32_t last = saved & ~kAhead;
    if (last > now || (config_.kind == OptimizerKind::kAdamW && last != 0 && last < state.history_begin)) {
      return {Code::kInvalidArgument, "the last step of a row, " + std::to_string(last) + ", is not among steps " +
                                          std::to_string(state.history_begin) + " to " + std::to_string(now)};
    }
  }
  slumber_.restore(state.history_begin, state.learning_rates);
  std::copy(state.first_moment.begin(), state.first_moment.end(), first_moment_.data());
  std::copy(state.second_moment.begin(), state.second_moment.end(), second_moment_.data());
  last_.assign(state.last_steps.begin(), state.last_steps.end());
  has_ahead_ = std::ranges::any_of(last_, [](std::uint32_t last) { return (last & kAhead) != 0; });
  return Status::ok();
}

}  // namespace stillvec::training
