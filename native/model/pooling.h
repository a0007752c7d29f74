#pragma once

#include <cstdint>
#include <vector>

namespace stillvec::model {

// What a token weighs that a text has n times: n, so that a text is the mean of its tokens' rows, or the root of n,
// which lets the words that a text repeats drown the others less.
enum class Weighting { kMean, kSqrt };

// How the rows of a text's tokens become one: their weighted sum, divided by the sum of the weights.
struct Pooling {
  Weighting weighting = Weighting::kMean;
  std::vector<std::uint32_t> excluded_ids;  // count for nothing, as if texts did not have them; no order
};

}  // namespace stillvec::model
