#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/buffer.h"
#include "runtime/status.h"
#include "training/config.h"
#include "training/objective.h"
#include "training/slumber.h"
#include "training/touched_rows.h"
#include "training/trainer.h"

namespace stillvec::training {

// Adam over the rows of a table, of which each step touches some.
//
// kSparseAdam moves only those, as torch.optim.SparseAdam. kAdamW is torch.optim.AdamW, which moves every row at every
// step; here a row sleeps while it has no gradient and is caught up before it is read (slumber.h).
class Optimizer {
 public:
  Optimizer(ThreadPool& pool, const OptimizerConfig& config, std::size_t rows, std::size_t dim);

  const OptimizerConfig& config() const { return config_; }

  // Brings rows that are about to be read up to the last step.
  void catch_up(std::span<const std::uint32_t> rows, float* table);

  // Brings all rows up to the last step.
  void synchronize(float* table);

  // All rows as synchronize() would leave them, while they stay as they are.
  void snapshot(const float* table, float* out);

  // One step: the gradient of row touched.rows()[i] is the sum over its texts of weight * gradient. Rows must be caught
  // up. `text_norms`: of each text's gradient. Returns the gradient's norm before clipping.
  double step(const TouchedRows& touched, const TextGradients& gradients, std::span<const float> text_norms,
              double learning_rate, float* table);

  // After catch_up(), where the step that was to follow is not taken. Where it is taken next, it has the same bits.
  void settle(std::span<const std::uint32_t> rows);

  // The optimizer's part of a trainer's state.
  void describe(TrainerState& state) const;
  Status restore(const TrainerState& state);

 private:
  // A row sleeps where its last step is not the trainer's. In last_ this bit says that its weights are up to the
  // trainer's all the same, and only its moments are not.
  static constexpr std::uint32_t kAhead = 1u << 31;

  bool sleeps(std::size_t row) const {
    return config_.kind == OptimizerKind::kAdamW && (last_[row] != 0 || decays_) && last_step(row) < slumber_.step();
  }
  bool is_ahead(std::size_t row) const { return (last_[row] & kAhead) != 0; }
  std::uint32_t last_step(std::size_t row) const { return last_[row] & ~kAhead; }
  void prepare_all();
  void wake(std::size_t row);

  ThreadPool& pool_;
  const OptimizerConfig config_;
  const bool decays_;
  const std::size_t rows_, dim_;
  SlumberTable slumber_;
  Buffer<float> first_moment_, second_moment_;  // rows x dim
  std::vector<std::uint32_t> last_;             // the step that each row is up to; 0: no gradient yet. See kAhead
  bool has_ahead_ = false;                      // of any row
  std::vector<std::uint32_t> sleeping_;         // those of the rows to catch up
  std::vector<Buffer<float>> scratch_;          // a row a thread
  std::vector<double> squared_norms_;           // per touched row
};

}  // namespace stillvec::training
