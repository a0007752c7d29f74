#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/bag/bag.h"
#include "runtime/buffer.h"
#include "training/parameters.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::training {

// torch.nn.Linear, y = W x + b, over rows x of a matrix. The same bits for any number of threads.
class Linear {
 public:
  // Begins as torch's: uniform within 1 / sqrt(inputs) of 0.
  Linear(ThreadPool& pool, std::size_t inputs, std::size_t outputs, std::uint64_t seed);

  // y: a row of `outputs` for each of `rows`, which name rows of `matrix`, `inputs` apart.
  void forward(const float* matrix, std::span<const std::uint32_t> rows, float* y);

  // From the gradient with respect to y of those rows to that with respect to the rows themselves, which lie in
  // `x_gradient` as in `matrix`, and to that of the parameters.
  void backward(const float* matrix, std::span<const std::uint32_t> rows, const float* y_gradient, float* x_gradient);

  Parameters& parameters() { return parameters_; }

 private:
  struct Scratch {
    std::vector<kernels::WeightedRow> rows;
    Buffer<float> sum;  // inputs
  };

  void add_block(const float* matrix, bool is_first, Scratch& scratch, float* sum) const;

  ThreadPool& pool_;
  const std::size_t inputs_, outputs_;
  Parameters parameters_;         // W, outputs x inputs, then b
  std::vector<Scratch> scratch_;  // one a thread
};

}  // namespace stillvec::training
