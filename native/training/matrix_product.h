#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/products/products.h"
#include "runtime/buffer.h"
#include "runtime/shall_stop.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::training {

// rows x columns values of a row-major matrix, or of its transpose.
struct MatrixView {
  const float* values = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;
  bool is_transposed = false;

  MatrixView transposed() const { return {values, columns, rows, stride, !is_transposed}; }
};

// Products of two whole matrices, each packed on the way. The same bits for any number of threads.
class MatrixProduct {
 public:
  MatrixProduct(ThreadPool& pool, const kernels::ProductKernels& products);

  // Some rows of left * right: `count` of them, `stride` floats apart, the visitor's to change.
  struct Rows {
    std::size_t first = 0;
    std::size_t count = 0;
    float* values = nullptr;
    std::size_t stride = 0;

    float* row(std::size_t i) const { return values + (i - first) * stride; }
  };

  // Visits every row of left * right once, several at a time on any thread. Where it is stopped on the way, some are
  // left out.
  void run(const MatrixView& left, const MatrixView& right, const ShallStop& shall_stop,
           const std::function<void(const Rows&)>& visit);

 private:
  struct Scratch {
    Buffer<std::uint32_t> left;
    Buffer<float> rows;
  };

  ThreadPool& pool_;
  const kernels::ProductKernels& products_;
  Buffer<std::uint32_t> right_;
  std::vector<Scratch> scratch_;  // one a thread
};

}  // namespace stillvec::training
