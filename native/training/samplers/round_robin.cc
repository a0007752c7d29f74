#include <algorithm>

#include "training/samplers/samplers.h"

namespace stillvec::training {

// One batch of each source in turn, as often as the shortest has one.
std::vector<std::uint32_t> mix_round_robin(std::span<const std::size_t> batches, std::uint64_t, std::uint64_t) {
  const std::size_t rounds = batches.empty() ? 0 : *std::ranges::min_element(batches);
  std::vector<std::uint32_t> order(rounds * batches.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i % batches.size());
  return order;
}

}  // namespace stillvec::training
