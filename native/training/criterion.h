#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/buffer.h"
#include "runtime/status.h"
#include "training/config.h"
#include "training/objective.h"

namespace stillvec::training {

// What training makes small: the weighted sum of objectives over the texts of a batch.
class Criterion {
 public:
  // `pool` must outlive it; `seed` is that of what losses learn beside the table. kInvalidArgument names what cannot be
  // (a Matryoshka dim above the width, ...).
  static Result<std::unique_ptr<Criterion>> create(ThreadPool& pool, std::size_t dim, std::vector<CriterionTerm> terms,
                                                   Precision precision, std::uint64_t seed = 0);

  // As Objective's, of all terms.
  Status check(const Source& source) const;
  std::size_t least_rows() const;
  bool compares_texts() const;

  // Draws the dims of the next run; `random` is the state of the draws. Comes before width() and run().
  void draw_dims(std::uint64_t& random);

  // Columns of the texts that the next run reads.
  std::size_t width() const;

  double run(const Batch& batch, const ShallStop& shall_stop);

  // Of the last run.
  TextGradients gradients() { return gradients_; }

  // Moves what the losses learn beside the table by the gradient of the last run.
  void step(const OptimizerConfig& optimizer, double learning_rate);

  // For exact resume, of what they learn: appends state_size() numbers; takes as many.
  std::size_t state_size() const;
  void describe(std::vector<double>& state) const;
  void restore(std::span<const double> state);

 private:
  struct Part {
    std::unique_ptr<Objective> objective;
    std::vector<Prefix> dims;  // weights times the term's
    std::size_t dims_per_step;
    std::vector<Prefix> drawn;
  };

  Criterion(ThreadPool& pool, std::size_t dim) : pool_(pool), dim_(dim) {}
  void add_up(const TextLayout& layout);

  ThreadPool& pool_;
  const std::size_t dim_;
  std::vector<Part> parts_;
  std::vector<std::size_t> order_;
  Buffer<float> sums_;  // of several parts' gradients
  TextGradients gradients_;
};

}  // namespace stillvec::training
