#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "model/pooling.h"
#include "runtime/buffer.h"
#include "runtime/shall_stop.h"
#include "runtime/status.h"
#include "training/config.h"
#include "training/source.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::training {

class Criterion;

// Where a step's time went, in seconds.
struct StepTimes {
  double index = 0.0;     // which rows the batch touches
  double catch_up = 0.0;  // of rows that slept
  double pooling = 0.0;
  double loss = 0.0;    // products, softmax and their gradients
  double update = 0.0;  // gradients of the rows, clipping, Adam
};

struct StepReport {
  double loss = 0.0;
  double grad_norm = 0.0;  // global L2 norm before clipping
  StepTimes seconds;
};

// All that a trainer's next steps depend on, its settings aside. The arrays are the trainer's own, until it changes.
struct TrainerState {
  std::span<const float> table;               // rows x dim; with AdamW, each row as of its last step
  std::span<const float> first_moment;        // rows x dim
  std::span<const float> second_moment;       // rows x dim
  std::span<const std::uint32_t> last_steps;  // the step that each row is up to: see Optimizer
  std::uint64_t history_begin = 0;
  std::span<const double> learning_rates;  // of the steps from history_begin + 1 to the last one
  std::uint64_t random_state = 0;          // of the draws of Matryoshka dims
};

// One model in training: the f32 table, the optimizer's state and the step that moves them. The same inputs give the
// same bits for any number of threads. Not thread-safe: one caller at a time.
class Trainer {
 public:
  // Starts from `rows` x `dim` values that `initial` holds (copied). `pool` must outlive the trainer; `seed` is that of
  // the draws of Matryoshka dims. kInvalidArgument names what cannot be.
  static Result<std::unique_ptr<Trainer>> create(ThreadPool& pool, std::span<const float> initial, std::size_t rows,
                                                 std::size_t dim, OptimizerConfig optimizer, std::uint64_t seed,
                                                 model::Pooling pooling = {});
  ~Trainer();

  // One optimizer step on the batch made of `batch`, row numbers of the source, which `criterion` must be able to take
  // (Criterion::check) and which is as wide as the trainer. kInvalidArgument for fewer rows than it learns from;
  // kOutOfRange for a row or an id that does not exist; kNotFinite where the loss or its gradient is not; kAborted when
  // it was stopped before the table moved. Nothing has moved on error: the same step can be taken again.
  Result<StepReport> step(Criterion& criterion, const Source& source, std::span<const std::uint32_t> batch,
                          double learning_rate, const ShallStop& shall_stop = {});

  // The loss of a batch and its gradient with respect to the whole table (rows x dim, dense), nothing updated.
  // For tests and finite differences.
  Result<double> gradient(Criterion& criterion, const Source& source, std::span<const std::uint32_t> batch,
                          std::span<float> out);

  // Brings every row up to date: AdamW moves rows that no batch touches too, and those catch up when they are next
  // read. Call before reading table().
  void synchronize();

  std::span<const float> table() const;  // rows x dim

  // Writes what table() would be after synchronize() to `out` (rows x dim), and changes nothing: for evaluation and
  // saving, which then leave no trace in the bits of later steps. kInvalidArgument for another size.
  Status snapshot(std::span<float> out) const;

  // What snapshot() would write, in the trainer's own memory. It is the last that the trainer does.
  Buffer<float> take_table() &&;

  // For exact resume: a trainer of the same settings that restores this state goes on with the same bits.
  TrainerState state() const;
  // kInvalidArgument, naming it, for a part that does not fit; nothing has changed then.
  Status restore(const TrainerState& state);

  std::size_t rows() const;
  std::size_t dim() const;

 private:
  struct Impl;
  explicit Trainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillvec::training
