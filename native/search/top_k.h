#pragma once

#include <cstddef>
#include <limits>

#include "runtime/shall_stop.h"
#include "search/hits.h"
#include "search/rows.h"
#include "search/similarity.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

struct TopKRequest {
  Similarity similarity = Similarity::kCosine;
  std::size_t k = 0;  // at most the number of corpus rows is used
  float at_least = -std::numeric_limits<float>::infinity();
  bool earlier = false;  // the queries are rows of the corpus, and look only at rows before themselves
};

// Exact search: the queries of `range` against every row of the corpus, which has the same dim and fewer than 2^32 - 1
// rows. Hits do not depend on the threads or on `range`. A score that is NaN counts as -infinity. Once `shall_stop`
// says so, what is given is of no use.
Hits top_k(const TopKRequest& request, const Rows& queries, RowRange range, const Rows& corpus, ThreadPool& pool,
           const ShallStop& shall_stop = {});

}  // namespace stillvec::search
