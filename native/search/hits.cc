#include "search/hits.h"

#include <algorithm>
#include <limits>

namespace stillvec::search {

void keep_best(std::vector<Hit>& candidates, std::size_t query, Hits& hits) {
  const std::size_t count = std::min(candidates.size(), hits.k);
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count), candidates.end(),
                    better);
  for (std::size_t i = 0; i < hits.k; ++i) {
    const Hit hit = i < count ? candidates[i] : Hit{-std::numeric_limits<float>::infinity(), Hits::kNone};
    hits.indices[query * hits.k + i] = hit.index;
    hits.scores[query * hits.k + i] = hit.score;
  }
}

}  // namespace stillvec::search
