#include "training/linear.h"

#include <algorithm>
#include <cmath>

#include "kernels/products/products.h"
#include "kernels/rows/rows.h"
#include "kernels/vector/vector.h"
#include "runtime/random.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

// Rows of a kernel's tile.
constexpr std::size_t kTile = 4;

// Rows that are summed while they are in L2, into that many sums.
constexpr std::size_t kRowsPerBlock = 64, kSumsPerChunk = 16;

}  // namespace

Linear::Linear(ThreadPool& pool, std::size_t inputs, std::size_t outputs, std::uint64_t seed)
    : pool_(pool),
      inputs_(inputs),
      outputs_(outputs),
      parameters_(outputs * (inputs + 1), outputs * inputs),
      scratch_(pool.size()) {
  Random random(seed);
  const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
  for (float& value : parameters_.values()) {
    const double uniform = static_cast<double>(random.next() >> 11) * 0x1p-53;
    value = static_cast<float>(bound * (2.0 * uniform - 1.0));
  }
  for (Scratch& scratch : scratch_) scratch.sum.reserve(inputs);
}

void Linear::forward(const float* matrix, std::span<const std::uint32_t> rows, float* y) {
  const float* weights = parameters_.values().data();
  const float* biases = weights + outputs_ * inputs_;
  const auto product = kernels::vector_kernels().dot_tile;
  pool_.parallel_for(kernels::blocks_for(rows.size(), kTile), [&](std::size_t chunk, unsigned) {
    const std::size_t first = chunk * kTile, count = std::min(kTile, rows.size() - first);
    const float *left[kTile], *right[kTile];
    float out[kTile * kTile];
    for (std::size_t i = 0; i < kTile; ++i) left[i] = matrix + rows[first + std::min(i, count - 1)] * inputs_;
    for (std::size_t j = 0; j < outputs_; j += kTile) {
      const std::size_t width = std::min(kTile, outputs_ - j);
      for (std::size_t k = 0; k < kTile; ++k) right[k] = weights + (j + std::min(k, width - 1)) * inputs_;
      product(left, right, inputs_, out);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t k = 0; k < width; ++k) y[(first + i) * outputs_ + j + k] = out[kTile * i + k] + biases[j + k];
      }
    }
  });
}

void Linear::backward(const float* matrix, std::span<const std::uint32_t> rows, const float* y_gradient,
                      float* x_gradient) {
  const float* weights = parameters_.values().data();
  float* weight_gradient = parameters_.gradient().data();
  float* bias_gradient = weight_gradient + outputs_ * inputs_;

  pool_.parallel_for(kernels::blocks_for(rows.size(), kSumsPerChunk), [&](std::size_t chunk, unsigned slot) {
    const std::size_t end = std::min(rows.size(), (chunk + 1) * kSumsPerChunk);
    for (std::size_t block = 0; block < outputs_; block += kRowsPerBlock) {
      for (std::size_t i = chunk * kSumsPerChunk; i < end; ++i) {
        Scratch& scratch = scratch_[slot];
        scratch.rows.clear();
        for (std::size_t j = block; j < std::min(outputs_, block + kRowsPerBlock); ++j) {
          scratch.rows.push_back({static_cast<std::uint32_t>(j), y_gradient[i * outputs_ + j]});
        }
        add_block(weights, block == 0, scratch, x_gradient + rows[i] * inputs_);
      }
    }
  });

  pool_.parallel_for(kernels::blocks_for(outputs_, kSumsPerChunk), [&](std::size_t chunk, unsigned slot) {
    const std::size_t end = std::min(outputs_, (chunk + 1) * kSumsPerChunk);
    for (std::size_t block = 0; block < rows.size(); block += kRowsPerBlock) {
      for (std::size_t j = chunk * kSumsPerChunk; j < end; ++j) {
        Scratch& scratch = scratch_[slot];
        scratch.rows.clear();
        for (std::size_t i = block; i < std::min(rows.size(), block + kRowsPerBlock); ++i) {
          scratch.rows.push_back({rows[i], y_gradient[i * outputs_ + j]});
        }
        add_block(matrix, block == 0, scratch, weight_gradient + j * inputs_);
      }
    }
    for (std::size_t j = chunk * kSumsPerChunk; j < end; ++j) {
      double sum = 0.0;
      for (std::size_t i = 0; i < rows.size(); ++i) sum += static_cast<double>(y_gradient[i * outputs_ + j]);
      bias_gradient[j] = static_cast<float>(sum);
    }
  });
}

// Adds the rows in `scratch` up, and to `sum` unless they are the first.
void Linear::add_block(const float* matrix, bool is_first, Scratch& scratch, float* sum) const {
  float* out = is_first ? sum : scratch.sum.data();
  kernels::bag_kernels().sum_f32({matrix, nullptr, inputs_}, {scratch.rows.data(), scratch.rows.size(), nullptr, 0},
                                 1.0f, inputs_, out);
  if (!is_first) kernels::row_kernels().add_scaled(1.0f, out, inputs_, sum);
}

}  // namespace stillvec::training
