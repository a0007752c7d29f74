#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/embedding_table.h"
#include "training/config.h"
#include "training/criterion.h"
#include "training/samplers/samplers.h"
#include "training/source.h"
#include "training/trainer.h"

namespace stillvec::training {

// One dataset of a run.
struct RunSource {
  std::string name;  // for messages; may be empty
  Source source;
  std::size_t loss = 0;  // its place in RunConfig::losses
};

// What a run tells of one step.
struct RunStep {
  StepReport report;
  std::size_t rows = 0;    // of its batch
  std::size_t source = 0;  // that the batch is of
  std::uint64_t epoch = 0;
  double epochs_done = 0.0;  // once it was taken: whole numbers where an epoch ends
  double sampling = 0.0;     // seconds to draw the batch
};

// All that a run's next steps depend on, its settings and data aside.
struct RunState {
  TrainerState trainer;
  std::uint64_t epoch = 0;
  std::uint64_t steps_of_epoch = 0;  // that were taken
  std::vector<double> losses;        // what they have learned, one after the other
};

// A whole training: draws the batches of epoch after epoch, each of one source, and takes a step on each. The same
// inputs give the same bits, for any number of threads and however the steps are divided into calls. Not thread-safe:
// one caller at a time.
class Run {
 public:
  using Milliseconds = std::chrono::duration<double, std::milli>;

  // Starts from a copy of `initial`. `pool` must outlive the run. kInvalidArgument for no sources, a source without
  // columns or with columns of several lengths, a batch smaller than a loss learns from, a loss that there is not, and
  // what Criterion, Trainer and the sampler refuse, naming the source; kUnsupported for more than 2^32 - 2 rows.
  static Result<std::unique_ptr<Run>> create(ThreadPool& pool,
                                             const std::shared_ptr<const model::EmbeddingTable>& initial,
                                             std::vector<RunSource> sources, RunConfig config);

  // How many steps the first `epochs` epochs hold; `most` where they are more. kAborted where it was stopped.
  Result<std::uint64_t> count_steps(std::uint64_t epochs, std::uint64_t most, const ShallStop& shall_stop = {}) const;

  // Takes one step a learning rate, until they, the `epochs` or the time are used up, or it is stopped; one at least
  // where there is one to take. Where a step fails, those before it are given, and the next call comes upon the same
  // failure: its batch stays the next one. Errors are those of Trainer::step, but that being stopped is none.
  Result<std::vector<RunStep>> advance(std::span<const double> learning_rates, std::uint64_t epochs, Milliseconds time,
                                       const ShallStop& shall_stop = {});

  // The table as it stands.
  Result<std::shared_ptr<const model::EmbeddingTable>> snapshot() const;

  // The same, in the run's own memory and so without a wait for more. It is the last that the run does.
  std::shared_ptr<const model::EmbeddingTable> finish() &&;

  // For exact resume: a run of the same data and settings that restores this state goes on with the same bits. The
  // trainer's arrays are its own, until it changes.
  RunState state() const;
  // As Trainer::restore, and kInvalidArgument for losses that learn something else; nothing has changed then. Steps of
  // an epoch that it does not have are those of its end.
  Status restore(const RunState& state);

  // Trainer::gradient of a batch of the first source.
  Result<double> gradient(std::span<const std::uint32_t> batch, std::span<float> out);

 private:
  // A source, and its part of the epoch.
  struct Part {
    RunSource data;
    Criterion* criterion;
    std::unique_ptr<Sampler> sampler;
    Batches batches;
    std::size_t taken = 0;  // of the batches
  };

  Run() = default;

  bool begin_epoch(const ShallStop& shall_stop);
  bool draw(std::uint64_t epochs, const ShallStop& shall_stop);

  std::vector<std::unique_ptr<Criterion>> criteria_;
  std::vector<Part> parts_;
  std::unique_ptr<Trainer> trainer_;
  MixSources* mix_ = nullptr;
  std::uint64_t seed_ = 0;

  std::uint64_t epoch_ = 0;
  std::uint64_t steps_of_epoch_ = 0;
  bool epoch_begun_ = false;          // what follows is of the epoch
  std::vector<std::uint32_t> order_;  // the sources of its steps
};

}  // namespace stillvec::training
