#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/embedding_table.h"
#include "training/batch_sampler.h"
#include "training/criterion.h"
#include "training/source.h"
#include "training/trainer.h"

namespace stillvec::training {

struct RunConfig {
  SamplerKind sampler = SamplerKind::kRandom;
  std::size_t batch_size = 0;
  bool drop_last = false;
  std::uint64_t seed = 0;
  std::vector<CriterionTerm> loss;
  OptimizerConfig optimizer;
  Precision precision = Precision::kFloat32;
};

// What a run tells of one step.
struct RunStep {
  StepReport report;
  std::size_t rows = 0;  // of its batch
  std::uint64_t epoch = 0;
  double sampling = 0.0;  // seconds to draw the batch
};

// All that a run's next steps depend on, its settings and data aside.
struct RunState {
  TrainerState trainer;
  std::uint64_t epoch = 0;
  bool epoch_begun = false;
  std::vector<std::uint32_t> remaining_rows;  // of the epoch, in the order in which they are considered
};

// A whole training: draws the batches of epoch after epoch and takes a step on each. The same inputs give the same
// bits, for any number of threads and however the steps are divided into calls. Not thread-safe: one caller at a time.
class Run {
 public:
  using Milliseconds = std::chrono::duration<double, std::milli>;

  // Starts from a copy of `initial`. `pool` must outlive the run. kInvalidArgument for no columns, columns of several
  // lengths, a batch size below two, and what Criterion and Trainer refuse; kUnsupported for more than 2^32 - 2 rows.
  static Result<std::unique_ptr<Run>> create(ThreadPool& pool, const model::EmbeddingTable& initial, Source source,
                                             RunConfig config);

  // What an epoch gives at most, and without duplicates to defer exactly.
  std::size_t batches_per_epoch() const { return sampler_.batches_per_epoch(); }

  // Takes one step a learning rate, until they, the `epochs` or the time are used up, or it is stopped; one at least
  // where there is one to take. Where a step fails, those before it are given, and the next call comes upon the same
  // failure: its batch stays the next one. Errors are those of Trainer::step, but that being stopped is none.
  Result<std::vector<RunStep>> advance(std::span<const double> learning_rates, std::uint64_t epochs, Milliseconds time,
                                       const ShallStop& shall_stop = {});

  // The table as it stands.
  Result<std::shared_ptr<const model::EmbeddingTable>> snapshot() const;

  // For exact resume: a run of the same data and settings that restores this state goes on with the same bits. The
  // trainer's arrays are its own, until it changes.
  RunState state() const;
  // kCorrupt where remaining_rows are not rows of the data, and as Trainer::restore; nothing has changed then.
  Status restore(const RunState& state);

  // As Trainer::gradient.
  Result<double> gradient(std::span<const std::uint32_t> batch, std::span<float> out);

 private:
  Run(Source source, std::unique_ptr<Criterion> criterion, std::unique_ptr<Trainer> trainer, const RunConfig& config);

  bool draw(std::uint64_t epochs, const ShallStop& shall_stop);

  Source source_;
  std::unique_ptr<Criterion> criterion_;
  std::unique_ptr<Trainer> trainer_;
  BatchSampler sampler_;
  std::uint64_t epoch_ = 0;
  bool epoch_begun_ = false;
  std::vector<std::uint32_t> batch_;
  bool batch_waits_ = false;  // it was drawn, and its step was stopped or failed: it comes next
};

}  // namespace stillvec::training
