#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "training/losses/triplet_classes.h"
#include "training/objectives/score_objective.h"

namespace stillvec::training {

// Losses of all triplets of a batch, or of many (Hermans, Beyer and Leibe 2017, arXiv:1703.07737).
class BatchTripletObjective : public ScoreObjective {
 public:
  BatchTripletObjective(Score distance, const ObjectiveContext& context);

  Status check(const Source& source) const override { return TripletClasses::check(source); }
  std::size_t least_rows() const override { return 2; }

 protected:
  // One text as the anchor of its triplets.
  struct Anchor {
    std::size_t prefix = 0;
    std::size_t row = 0;
    unsigned slot = 0;
    std::span<const float> distances;  // to every text of the batch, 0 to itself
    float* slopes = nullptr;           // out, zeros before: d loss / d distance
  };

  virtual double anchor_loss(const Anchor& anchor) = 0;

  // Before a loss looks at all anchors, where it does (ScoreObjective::observes).
  virtual void observe_anchor(const Anchor&) {}

  bool is_positive(std::size_t anchor, std::size_t text) const { return classes_.is_positive(anchor, text); }
  bool is_negative(std::size_t anchor, std::size_t text) const { return classes_.is_negative(anchor, text); }
  std::size_t positive_pairs() const { return positive_pairs_; }  // of the batch, in both orders

 private:
  void lay_out(ScoreLayout& scores) const final;
  void begin(const Batch& batch) final;
  void observe(const ScoreRow& row) final;
  double row_loss(const ScoreRow& row) final;
  Anchor anchor_of(const ScoreRow& row);

  const bool is_cosine_;
  TripletClasses classes_;
  std::size_t positive_pairs_ = 0;
  std::vector<Buffer<float>> distances_;  // one a thread
};

// The negatives of an anchor, nearest first.
struct Negative {
  float distance;
  std::uint32_t text;

  friend bool operator<(const Negative& a, const Negative& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.text < b.text;
  }
};

}  // namespace stillvec::training
