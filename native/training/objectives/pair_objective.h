#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "runtime/buffer.h"
#include "training/objective.h"
#include "training/objectives/pair_metric.h"
#include "training/objectives/prefix_texts.h"

namespace stillvec::training {

// Of every row of a batch, the measure of its first text and each other one, in the order of the columns.
struct PairScores {
  std::size_t rows = 0;
  std::size_t pairs = 0;  // columns - 1
  double* values = nullptr;

  double& at(std::size_t row, std::size_t pair) const { return values[row * pairs + pair]; }
};

// A loss that sees no more of a batch than its scores and labels.
class PairLoss {
 public:
  virtual ~PairLoss() = default;
  virtual Status check(const Source& source) const = 0;
  virtual std::size_t least_rows() const { return 1; }

  // The loss; each score is replaced by the loss's gradient with respect to it. Batches may be asked for at once.
  virtual double run(const PairScores& scores, const Batch& batch) const = 0;
};

// Makes an objective of it. Every row is one thread's, from its texts to their gradients.
class PairObjective final : public Objective {
 public:
  PairObjective(const ObjectiveContext& context, const PairMetric& metric, std::unique_ptr<PairLoss> loss);

  Status check(const Source& source) const override { return loss_->check(source); }
  std::size_t least_rows() const override { return loss_->least_rows(); }
  double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) override;
  TextGradients gradients() override { return texts_.gradients(); }

 private:
  struct Scratch {
    Buffer<float> views;      // columns x dim
    Buffer<float> gradients;  // columns x dim
    std::vector<const float*> view_of;
    std::vector<float*> gradient_of;
  };

  void look(std::size_t row, std::size_t prefix, Scratch& scratch) const;
  void score(std::size_t row, Scratch& scratch);
  void backpropagate(std::size_t row, Scratch& scratch);
  PairScores scores_of(std::size_t prefix);

  ThreadPool& pool_;
  const std::size_t dim_;
  const PairMetric& metric_;
  const std::unique_ptr<PairLoss> loss_;
  PrefixTexts texts_;
  TextLayout layout_;
  std::vector<Prefix> prefixes_;
  std::vector<Scratch> scratch_;  // one a thread
  std::vector<double> scores_;    // prefixes x rows x pairs
  std::vector<double> losses_;    // one a prefix
};

}  // namespace stillvec::training
