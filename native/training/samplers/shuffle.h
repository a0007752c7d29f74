#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "runtime/random.h"

namespace stillvec::training {

// Fisher and Yates.
template <typename T>
void shuffle(std::span<T> values, Random& random) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
}

}  // namespace stillvec::training
