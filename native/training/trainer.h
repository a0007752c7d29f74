#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/status.h"
#include "training/token_column.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::training {

enum class Similarity { kCosine, kDot };

// Which side plays the query and which the candidates (Sentence Transformers' `directions`).
enum Direction : unsigned {
  kQueryToDoc = 1u << 0,
  kQueryToQuery = 1u << 1,
  kDocToQuery = 1u << 2,
  kDocToDoc = 1u << 3,
};

enum class Hardness { kNone, kInBatchNegatives, kHardNegatives, kAllNegatives };

// MultipleNegativesRankingLoss: column 0 anchors, column 1 positives, columns 2... hard negatives.
struct RankingLoss {
  float scale = 20.0f;
  Similarity similarity = Similarity::kCosine;
  unsigned directions = kQueryToDoc;
  bool per_direction = false;  // partition_mode: one logsumexp a direction (mean of them), else one over all
  Hardness hardness = Hardness::kNone;
  float hardness_strength = 0.0f;
};

// MatryoshkaLoss: sum of weight * loss over L2-normalized prefixes.
struct MatryoshkaDim {
  std::size_t dim = 0;
  float weight = 1.0f;
};

struct LossConfig {
  RankingLoss ranking;
  std::vector<MatryoshkaDim> matryoshka;  // ascending; empty: the loss itself on the full width
  std::size_t dims_per_step = 0;          // 0: all of them; else that many, drawn anew each step
};

enum class OptimizerKind { kAdamW, kSparseAdam };

struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::kAdamW;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float eps = 1e-8f;
  float weight_decay = 0.0f;
  std::optional<float> max_grad_norm;  // absent: no clipping
};

enum class Precision { kFloat32, kBfloat16 };  // of the loss products; sums and weights stay f32

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
  std::span<const std::uint32_t> last_steps;  // the step that each row is up to; 0 before its first gradient
  std::uint64_t history_begin = 0;
  std::span<const double> learning_rates;  // of the steps from history_begin + 1 to the last one
  std::uint64_t random_state = 0;          // of the draws of Matryoshka dims
};

// Whether what is under way shall end as soon as it can. Any thread asks it, often.
using ShallStop = std::function<bool()>;

// One model in training: the f32 table, the optimizer's state and the step that moves them. The same inputs give the
// same bits for any number of threads. Not thread-safe: one caller at a time.
class Trainer {
 public:
  // Starts from `rows` x `dim` values that `initial` holds (copied). `pool` must outlive the trainer. kInvalidArgument
  // names what cannot be (a Matryoshka dim above the width, ...).
  static Result<std::unique_ptr<Trainer>> create(ThreadPool& pool, std::span<const float> initial, std::size_t rows,
                                                 std::size_t dim, LossConfig loss, OptimizerConfig optimizer,
                                                 Precision precision, std::uint64_t seed);
  ~Trainer();

  // One optimizer step on the batch made of `batch` (row numbers into every column). kInvalidArgument for fewer than
  // two rows or columns; kOutOfRange for a row or an id that does not exist; kNotFinite where the loss or its gradient
  // is not; kAborted when it was stopped before the table moved. Nothing has moved on error: the same step can be taken
  // again.
  Result<StepReport> step(std::span<const TokenColumn* const> columns, std::span<const std::uint32_t> batch,
                          double learning_rate, const ShallStop& shall_stop = {});

  // The loss of a batch and its gradient with respect to the whole table (rows x dim, dense), nothing updated.
  // For tests and finite differences.
  Result<double> gradient(std::span<const TokenColumn* const> columns, std::span<const std::uint32_t> batch,
                          std::span<float> out);

  // Brings every row up to date: AdamW moves rows that no batch touches too, and those catch up when they are next
  // read. Call before reading table().
  void synchronize();

  std::span<const float> table() const;  // rows x dim

  // Writes what table() would be after synchronize() to `out` (rows x dim), and changes nothing: for evaluation and
  // saving, which then leave no trace in the bits of later steps. kInvalidArgument for another size.
  Status snapshot(std::span<float> out) const;

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
