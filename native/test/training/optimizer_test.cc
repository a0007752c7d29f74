#include "training/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "reference.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

using reference::Matrix;

// Gradients straight to the optimizer: each text is one token, so a row's gradient is the sum of its texts'.
struct Journey {
  std::size_t rows = 600, dim = 20, texts = 8, steps = 2000;
  double gradient_size = 1e-3;
  OptimizerConfig config;
};

struct Outcome {
  double error;         // of the distance moved
  std::size_t longest;  // sleep, in steps
};

Outcome compare(const Journey& run) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Matrix table = reference::zeros(run.rows, run.dim);
  for (auto& row : table) {
    for (double& value : row) value = static_cast<double>(static_cast<float>(normal(random)));
  }
  const Matrix initial = table;
  std::vector<float> weights = reference::flatten(table);
  ThreadPool pool(2);
  Optimizer optimizer(pool, run.config, run.rows, run.dim);
  reference::Adam adam(run.config, run.rows, run.dim);
  TouchedRows touched(pool, run.rows);
  std::vector<std::size_t> last(run.rows, 0);
  Outcome outcome = {0.0, 0};

  for (std::size_t step = 1; step <= run.steps; ++step) {
    TokenColumn column;
    std::vector<std::uint32_t> batch;
    std::vector<float> gradients(run.texts * run.dim), norms(run.texts);
    Matrix gradient = reference::zeros(run.rows, run.dim);
    std::vector<bool> is_touched(run.rows, false);
    for (std::size_t text = 0; text < run.texts; ++text) {
      const auto row = static_cast<std::uint32_t>(std::pow(static_cast<double>(run.rows), uniform(random)) - 1.0);
      column.ids.push_back(row);
      column.offsets.push_back(column.ids.size());
      batch.push_back(static_cast<std::uint32_t>(text));
      is_touched[row] = true;
      if (last[row] != 0) outcome.longest = std::max(outcome.longest, step - last[row]);
      last[row] = step;
      double squared = 0.0;
      for (std::size_t d = 0; d < run.dim; ++d) {
        const auto g = static_cast<float>(run.gradient_size * normal(random));
        gradients[text * run.dim + d] = g;
        gradient[row][d] += static_cast<double>(g);
        squared += static_cast<double>(g) * static_cast<double>(g);
      }
      norms[text] = static_cast<float>(std::sqrt(squared));
    }
    const std::vector<std::shared_ptr<const TokenColumn>> columns = {std::make_shared<TokenColumn>(column)};
    const std::vector<std::size_t> first_text = {0};
    EXPECT_TRUE(touched.build(columns, batch, first_text, run.texts).is_ok());
    const double progress = static_cast<double>(step) / static_cast<double>(run.steps);
    const double rate = 0.2 * std::min(10.0 * progress, 1.0 - progress);
    optimizer.catch_up(touched.rows(), weights.data());
    const double norm = optimizer.step(touched, {gradients.data(), run.dim, run.dim}, norms, rate, weights.data());
    EXPECT_NEAR(norm, adam.step(table, gradient, is_touched, rate), 1e-5 * norm);
  }
  optimizer.synchronize(weights.data());
  double difference = 0.0, moved = 0.0;
  for (std::size_t r = 0; r < run.rows; ++r) {
    for (std::size_t d = 0; d < run.dim; ++d) {
      difference += std::pow(static_cast<double>(weights[r * run.dim + d]) - table[r][d], 2.0);
      moved += std::pow(table[r][d] - initial[r][d], 2.0);
    }
  }
  outcome.error = std::sqrt(difference / moved);
  return outcome;
}

TEST(Optimizer, AdamWIsTheDenseOneThoughRowsSleepForHundredsOfSteps) {
  for (float decay : {0.0f, 0.01f}) {
    // At 1e-7 and below, eps counts; at 1e-9 it is all that counts.
    for (double size : {1e-2, 1e-5, 1e-7, 1e-9}) {
      Journey run;
      run.gradient_size = size;
      run.config.weight_decay = decay;
      const Outcome outcome = compare(run);
      EXPECT_GT(outcome.longest, 300u);
      EXPECT_LT(outcome.error, 1e-5) << "gradients of " << size << ", decay " << decay;
    }
  }
}

TEST(Optimizer, AdamWWithOtherBetas) {
  struct Betas {
    float beta1, beta2;
  };
  for (const Betas& betas : {Betas{0.9f, 0.95f}, Betas{0.5f, 0.999f}, Betas{0.99f, 0.9f}, Betas{0.0f, 0.99f},
                             Betas{0.95f, 0.9f}, Betas{0.99f, 0.999f}}) {
    for (double size : {1e-3, 1e-8}) {
      Journey run;
      run.steps = 700;
      run.rows = 200;
      run.gradient_size = size;
      run.config.beta1 = betas.beta1;
      run.config.beta2 = betas.beta2;
      EXPECT_LT(compare(run).error, 1e-5) << betas.beta1 << " " << betas.beta2 << " " << size;
    }
  }
}

TEST(Optimizer, HistoryIsDroppedAndNothingIsLost) {
  Journey run;
  run.rows = 40;
  run.dim = 3;
  run.texts = 2;
  run.steps = 9000;
  run.config.weight_decay = 0.001f;
  EXPECT_LT(compare(run).error, 1e-5);
}

TEST(Optimizer, ClippingIsExact) {
  for (float most : {1e-4f, 1.0f, 1e2f}) {
    Journey run;
    run.steps = 200;
    run.gradient_size = 0.1;
    run.config.max_grad_norm = most;
    EXPECT_LT(compare(run).error, 2e-6) << most;
  }
}

TEST(Optimizer, SparseAdamMovesTouchedRowsOnly) {
  for (float decay : {0.0f, 0.01f}) {
    Journey run;
    run.steps = 500;
    run.config.kind = OptimizerKind::kSparseAdam;
    run.config.weight_decay = decay;
    EXPECT_LT(compare(run).error, 2e-6);
  }
}

TEST(Optimizer, RefusesAStateThatDoesNotFit) {
  ThreadPool pool(1);
  Optimizer optimizer(pool, {}, 4, 2);
  const std::vector<float> moments(8, 0.0f);
  const std::vector<double> rates = {0.1, 0.1};
  std::vector<std::uint32_t> last = {0, 5, 6, 7};
  TrainerState state;
  state.first_moment = moments;
  state.second_moment = moments;
  state.last_steps = last;
  state.history_begin = 5;
  state.learning_rates = rates;
  EXPECT_TRUE(optimizer.restore(state).is_ok());
  for (std::uint32_t wrong : {4u, 8u}) {
    last[2] = wrong;
    EXPECT_EQ(optimizer.restore(state).code, Code::kInvalidArgument);
  }
  last[2] = 6;
  state.first_moment = std::span<const float>(moments).first(6);
  EXPECT_EQ(optimizer.restore(state).code, Code::kInvalidArgument);
  state.first_moment = moments;
  for (const double rate : {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const std::vector<double> wrong = {0.1, rate};
    state.learning_rates = wrong;
    EXPECT_EQ(optimizer.restore(state).code, Code::kInvalidArgument);
  }
  const std::vector<double> many(5000, 0.1);
  state.learning_rates = many;
  EXPECT_EQ(optimizer.restore(state).code, Code::kInvalidArgument);
}

// Steps are counted in 31 bits, and what a run of many of them has decayed to is found without repeating them.
TEST(Optimizer, RefusesMoreStepsThanItCounts) {
  ThreadPool pool(1);
  Optimizer optimizer(pool, {}, 1, 2);
  const std::vector<float> moments(2, 0.0f);
  const std::vector<double> rates(8, 0.1);
  const std::vector<std::uint32_t> last = {0};
  TrainerState state;
  state.first_moment = moments;
  state.second_moment = moments;
  state.last_steps = last;
  state.learning_rates = rates;
  for (const std::uint64_t begin : {(1ull << 31) - 6, 1ull << 31, 1ull << 32, (1ull << 53) - 1, ~0ull}) {
    state.history_begin = begin;
    EXPECT_EQ(optimizer.restore(state).code, Code::kInvalidArgument) << begin;
  }
  state.history_begin = (1ull << 31) - 100;
  EXPECT_TRUE(optimizer.restore(state).is_ok());
}

}  // namespace
}  // namespace stillvec::training
