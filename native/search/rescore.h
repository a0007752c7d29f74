#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/shall_stop.h"
#include "search/hits.h"
#include "search/rows.h"
#include "search/similarity.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

// The best k of some rows of the corpus for each query: of candidates[q * n, (q + 1) * n), which are row numbers, n =
// candidates.size() / queries.rows. A score is what similarity_matrix() gives for the two rows as f32; NaN counts as
// -infinity. Both sides have one dim. Once `shall_stop` says so, what is given is of no use.
Hits rescore(Similarity similarity, const Rows& queries, const Rows& corpus, std::span<const std::uint32_t> candidates,
             std::size_t k, ThreadPool& pool, const ShallStop& shall_stop = {});

}  // namespace stillvec::search
