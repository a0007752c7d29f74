#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stillvec::search {

// The nearest corpus rows of each query, best first; where scores are equal, the lower index first. Where fewer than k
// were found, the rest are kNone with -infinity.
struct Hits {
  static constexpr std::uint32_t kNone = UINT32_MAX;

  Hits() = default;
  Hits(std::size_t queries, std::size_t per_query) : k(per_query), indices(queries * k), scores(queries * k) {}

  std::size_t k = 0;                   // hits a query
  std::vector<std::uint32_t> indices;  // queries x k
  std::vector<float> scores;           // queries x k
};

struct Hit {
  float score;
  std::uint32_t index;
};

inline bool better(const Hit& a, const Hit& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

// Puts the best of the candidates, which come back in another order, in their places among those of `query`.
void keep_best(std::vector<Hit>& candidates, std::size_t query, Hits& hits);

}  // namespace stillvec::search
