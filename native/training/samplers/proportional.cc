#include "training/samplers/samplers.h"
#include "training/samplers/shuffle.h"

namespace stillvec::training {

// All batches of all sources, in a random order.
std::vector<std::uint32_t> mix_proportional(std::span<const std::size_t> batches, std::uint64_t seed,
                                            std::uint64_t epoch) {
  std::vector<std::uint32_t> order;
  for (std::size_t source = 0; source < batches.size(); ++source) {
    order.insert(order.end(), batches[source], static_cast<std::uint32_t>(source));
  }
  Random random(seed + epoch);
  if (batches.size() > 1) shuffle(std::span(order), random);
  return order;
}

}  // namespace stillvec::training
