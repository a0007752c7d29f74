#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/shall_stop.h"
#include "search/hits.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

// How the scores of one query become comparable, over all documents:
//
//   kMinMax           (s - min) / (max - min), so that they lie in 0 ... 1
//   kZScore           (s - mean) / standard deviation (of the population)
//   kReciprocalRank   1 / (60 + rank), where a rank is 1 + the number of documents that score more (Cormack, Clarke and
//                     Buettcher 2009); equal scores share it
//
// Where all scores are equal they say nothing: kMinMax and kZScore make zeros of them.
enum class Normalization { kMinMax, kZScore, kReciprocalRank };

struct FusionRequest {
  Normalization normalization = Normalization::kMinMax;
  double weight = 0.5;  // of the first scores; the others have 1
  std::size_t k = 0;
};

// Scores of every query with some documents, row-major.
struct Scores {
  const float* data = nullptr;
  std::size_t columns = 0;
  std::span<const std::uint32_t> documents;  // the columns that count, of these documents; none for all in order
};

// The k best of all documents for each query by weight * n(first) + n(second), normalized and added in double. Both
// have as many documents; a score that is not finite counts as 0. Documents count from 0; of those with equal sums, the
// lower comes first. Hits do not depend on the threads.
Hits fuse(const FusionRequest& request, const Scores& first, const Scores& second, std::size_t queries,
          ThreadPool& pool, const ShallStop& shall_stop = {});

}  // namespace stillvec::search
