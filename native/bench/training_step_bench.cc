#include <benchmark/benchmark.h>

#include <cmath>
#include <random>

#include "machine.h"
#include "runtime/thread_pool.h"
#include "training/criterion.h"
#include "training/trainer.h"

// Whole training steps at the size of the recipe: 1024 columns, 30,522 rows, pairs of about 12 and 58 tokens by a
// Zipf-like law. Counters: milliseconds a step by stage, and the loss products' share of the measured peak.
namespace stillvec::training {
namespace {

constexpr std::size_t kRows = 30522, kDim = 1024;

TokenColumn zipf_column(std::mt19937& random, std::size_t texts, std::size_t mean_length) {
  TokenColumn column;
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (std::size_t i = 0; i < texts; ++i) {
    const std::size_t length = mean_length / 2 + random() % (mean_length + 1);
    for (std::size_t k = 0; k < length; ++k) {
      column.ids.push_back(static_cast<std::uint32_t>(std::pow(static_cast<double>(kRows), uniform(random)) - 1.0));
    }
    column.offsets.push_back(column.ids.size());
  }
  return column;
}

const std::vector<float>& initial_table() {
  static const std::vector<float> table = [] {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(kRows * kDim);
    for (float& value : values) value = normal(random);
    return values;
  }();
  return table;
}

void training_step(benchmark::State& state, Precision precision, bool matryoshka, OptimizerKind kind) {
  const auto batch_size = static_cast<std::size_t>(state.range(0));
  const std::shared_ptr<ThreadPool> pool = ThreadPool::shared();
  std::mt19937 random(2);
  Source source;
  for (const std::size_t mean_length : {12, 58}) {
    source.columns.push_back(std::make_shared<TokenColumn>(zipf_column(random, 8 * batch_size, mean_length)));
  }
  CriterionTerm term;
  term.objective = {"multiple_negatives_ranking",
                    {{"scale", 20.0},
                     {"similarity", std::string("cosine")},
                     {"directions", std::vector<std::string>{"query_to_doc"}},
                     {"perDirection", false},
                     {"hardnessMode", std::string("none")},
                     {"hardnessStrength", 0.0},
                     {"maskDuplicates", false}}};
  if (matryoshka) term.matryoshka = {{32, 1}, {64, 1}, {128, 1}, {256, 1}, {512, 1}, {1024, 1}};
  OptimizerConfig optimizer;
  optimizer.kind = kind;
  if (kind == OptimizerKind::kAdamW) optimizer.max_grad_norm = 1.0f;
  auto criterion = Criterion::create(*pool, kDim, {term}, precision);
  auto trainer = Trainer::create(*pool, initial_table(), kRows, kDim, optimizer, 1);
  std::vector<std::uint32_t> batch(batch_size);
  StepTimes total;
  std::size_t steps = 0;
  for (auto _ : state) {
    for (std::uint32_t& row : batch) row = static_cast<std::uint32_t>(random() % (8 * batch_size));
    const StepReport report = trainer.value()->step(*criterion.value(), source, batch, 0.01).value();
    total.index += report.seconds.index;
    total.catch_up += report.seconds.catch_up;
    total.pooling += report.seconds.pooling;
    total.loss += report.seconds.loss;
    total.update += report.seconds.update;
    ++steps;
  }
  const auto milliseconds = [&](double seconds) { return 1e3 * seconds / static_cast<double>(steps); };
  state.counters["index_ms"] = milliseconds(total.index);
  state.counters["catch_up_ms"] = milliseconds(total.catch_up);
  state.counters["pooling_ms"] = milliseconds(total.pooling);
  state.counters["loss_ms"] = milliseconds(total.loss);
  state.counters["update_ms"] = milliseconds(total.update);
  const double flops = 3.0 * 2.0 * static_cast<double>(batch_size * batch_size * kDim);
  static const double peaks[] = {bench::f32_peak(pool->size()), bench::bf16_peak(pool->size())};
  const double rate = flops / (total.loss / static_cast<double>(steps)) / 1e9;
  state.counters["loss_GFLOP/s"] = rate;
  state.counters["share_of_peak"] = rate / peaks[precision == Precision::kBfloat16];
  state.counters["pairs/s"] = benchmark::Counter(static_cast<double>(batch_size * steps), benchmark::Counter::kIsRate);
}

void arguments(benchmark::internal::Benchmark* bench) {
  bench->Arg(256)->Arg(2048)->Unit(benchmark::kMillisecond)->UseRealTime();
}

BENCHMARK_CAPTURE(training_step, f32_matryoshka, Precision::kFloat32, true, OptimizerKind::kAdamW)->Apply(arguments);
BENCHMARK_CAPTURE(training_step, f32_plain, Precision::kFloat32, false, OptimizerKind::kAdamW)->Apply(arguments);
BENCHMARK_CAPTURE(training_step, bf16_matryoshka, Precision::kBfloat16, true, OptimizerKind::kAdamW)->Apply(arguments);
BENCHMARK_CAPTURE(training_step, bf16_plain, Precision::kBfloat16, false, OptimizerKind::kAdamW)->Apply(arguments);
BENCHMARK_CAPTURE(training_step, bf16_matryoshka_sparse_adam, Precision::kBfloat16, true, OptimizerKind::kSparseAdam)
    ->Apply(arguments);

}  // namespace
}  // namespace stillvec::training
