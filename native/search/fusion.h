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
  double weight = 0.5;  // of the first scores; that of the others is 1 - weight
  std::size_t k = 0;
};

// The k best documents of each query by weight * n(first) + (1 - weight) * n(second), each queries x documents and
// finite, normalized and added in double. Documents count from 0; of those with equal sums, the lower comes first.
// Hits do not depend on the threads.
Hits fuse(const FusionRequest& request, const float* first, const float* second, std::size_t queries,
          std::size_t documents, ThreadPool& pool, const ShallStop& shall_stop = {});

}  // namespace stillvec::search
