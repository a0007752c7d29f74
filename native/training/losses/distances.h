#pragma once

#include "training/objectives/pair_metric.h"
#include "training/settings.h"

namespace stillvec::training {

inline const PairMetric* read_distance(SettingsReader& read) {
  return read.choice<const PairMetric*>("distanceMetric", {{"cosine", &metrics::kCosineDistance},
                                                           {"euclidean", &metrics::kEuclidean},
                                                           {"manhattan", &metrics::kManhattan}});
}

inline const PairMetric* read_similarity(SettingsReader& read) {
  return read.choice<const PairMetric*>("similarity", {{"cosine", &metrics::kCosine}, {"dot", &metrics::kDot}});
}

}  // namespace stillvec::training
