#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "model/encoder.h"

namespace stillvec::binding {

// Cuts texts into runs for the pool: chunk c is texts [bounds[c], bounds[c + 1]). A run is some tens to hundreds of
// microseconds of work: long enough to hide the cost of handing it out, short enough for other callers to get a turn.
inline std::vector<std::size_t> chunk_bounds(const model::Texts& texts) {
  constexpr std::size_t kMostBytes = 32 * 1024;
  constexpr std::size_t kMostTexts = 256;
  std::vector<std::size_t> bounds = {0};
  const std::size_t count = texts.count();
  for (std::size_t begin = 0, i = 0; i < count; ++i) {
    const bool full = texts.offsets[i + 1] - texts.offsets[begin] >= kMostBytes || i + 1 - begin == kMostTexts;
    if (!full && i + 1 != count) continue;
    bounds.push_back(i + 1);
    begin = i + 1;
  }
  return bounds;
}

}  // namespace stillvec::binding
