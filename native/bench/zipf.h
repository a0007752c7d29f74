#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace stillvec::bench {

// `count` token ids below `vocabulary`, drawn by Zipf's law (the n-th word has probability ~ 1 / n), which words of a
// language follow; the ranks are scattered over the table.
inline std::vector<std::uint32_t> zipf_ids(std::size_t vocabulary, std::size_t count) {
  std::mt19937_64 random(12);
  std::vector<double> cumulative(vocabulary);
  double total = 0.0;
  for (std::size_t i = 0; i < vocabulary; ++i) cumulative[i] = total += 1.0 / static_cast<double>(i + 1);
  std::vector<std::uint32_t> id_of_rank(vocabulary);
  std::iota(id_of_rank.begin(), id_of_rank.end(), 0u);
  std::shuffle(id_of_rank.begin(), id_of_rank.end(), random);
  std::uniform_real_distribution<double> uniform(0.0, total);
  std::vector<std::uint32_t> ids(count);
  for (std::uint32_t& id : ids) {
    const auto rank = std::lower_bound(cumulative.begin(), cumulative.end(), uniform(random)) - cumulative.begin();
    id = id_of_rank[static_cast<std::size_t>(rank)];
  }
  return ids;
}

}  // namespace stillvec::bench
