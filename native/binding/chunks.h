#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "model/encoder.h"

namespace stillvec::binding {

// Cuts texts into runs for `threads` threads of the pool: chunk c is texts [bounds[c], bounds[c + 1]). A run is some
// tens to hundreds of microseconds of work: long enough to hide the cost of handing it out, short enough for other
// callers to get a turn, and for each thread to get some of them.
inline std::vector<std::size_t> chunk_bounds(const model::Texts& texts, unsigned threads) {
  constexpr std::size_t kLeastBytes = 4 * 1024, kMostBytes = 32 * 1024;
  constexpr std::size_t kMostTexts = 256;
  constexpr std::size_t kChunksOfThread = 4;
  std::vector<std::size_t> bounds = {0};
  const std::size_t count = texts.count();
  const std::size_t bytes = count == 0 ? 0 : static_cast<std::size_t>(texts.offsets[count] - texts.offsets[0]);
  const std::size_t most_bytes = std::clamp(bytes / (kChunksOfThread * threads), kLeastBytes, kMostBytes);
  for (std::size_t begin = 0, i = 0; i < count; ++i) {
    const bool full = texts.offsets[i + 1] - texts.offsets[begin] >= most_bytes || i + 1 - begin == kMostTexts;
    if (!full && i + 1 != count) continue;
    bounds.push_back(i + 1);
    begin = i + 1;
  }
  return bounds;
}

}  // namespace stillvec::binding
