#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/status.h"
#include "training/objective.h"
#include "training/objectives/score_products.h"
#include "training/settings.h"

namespace stillvec::training {

// Reads `distanceMetric` as the score that it is a function of: the cosine for 1 - cosine.
Score read_triplet_distance(SettingsReader& read);

// The classes of a batch's texts, for losses of triplets that are found among them: an anchor, a positive of its class
// and a negative of another. One column of texts; the label is a class.
class TripletClasses {
 public:
  static Status check(const Source& source);

  void begin(const Batch& batch);

  bool is_positive(std::size_t anchor, std::size_t text) const {
    return text != anchor && classes_[text] == classes_[anchor];
  }
  bool is_negative(std::size_t anchor, std::size_t text) const { return classes_[text] != classes_[anchor]; }
  std::size_t positive_pairs() const;  // in both orders

 private:
  std::vector<float> classes_;
};

}  // namespace stillvec::training
