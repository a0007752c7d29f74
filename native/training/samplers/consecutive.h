#pragma once

#include <algorithm>
#include <cstddef>

#include "training/samplers/sampler.h"

namespace stillvec::training {

// The batches that any order of so many rows is cut into.
inline std::size_t count_consecutive(std::size_t rows, const SamplerConfig& config) {
  const std::size_t left = rows % config.batch_size;
  return rows / config.batch_size + (left > 0 && left >= config.least_batch() ? 1 : 0);
}

// Cuts the rows of `out` into batches, in their order.
inline void cut_consecutive(const SamplerConfig& config, Batches& out) {
  const std::size_t count = count_consecutive(out.rows.size(), config);
  out.ends.clear();
  for (std::size_t b = 1; b <= count; ++b) {
    out.ends.push_back(static_cast<std::uint32_t>(std::min(b * config.batch_size, out.rows.size())));
  }
}

}  // namespace stillvec::training
