#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "search/blocked_scores.h"
#include "search/rows.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

// Groups of rows that are near one of them, as Sentence Transformers' community_detection finds them: a row's community
// is every row whose cosine with it is at least `threshold`, nearest first. Communities of at least `least` rows are
// taken from the largest on (of equal ones, that of the lower row first); each loses the rows of those before it, and
// is dropped where fewer than `least` are left. Those that stay come largest first.
//
// No row's neighbours are held but those of the communities that are compared next: memory does not grow with the
// number of pairs. Once `shall_stop` says so, what is given is of no use.
std::vector<std::vector<std::uint32_t>> communities(const Rows& rows, float threshold, std::size_t least,
                                                    ThreadPool& pool, const ShallStop& shall_stop = {});

}  // namespace stillvec::search
