#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>

#include "training/losses/losses.h"
#include "training/losses/triplet_classes.h"
#include "training/objectives/hardest_pairs_objective.h"
#include "training/objectives/pair_metric.h"

namespace stillvec::training {
namespace {

// mean over anchors of f(d(anchor, farthest positive) - d(anchor, nearest negative)), with f(x) = max(0, x + margin),
// or log(1 + exp(x)) for a soft margin (Hermans, Beyer and Leibe 2017, arXiv:1703.07737). As in Sentence Transformers,
// an anchor without positives is its own; without negatives, the largest distance counts as that of a negative. Of
// equal distances the first one counts.
class BatchHardTripletLoss final : public HardestPairsObjective {
 public:
  BatchHardTripletLoss(Score distance, bool is_soft, float margin, const ObjectiveContext& context)
      : HardestPairsObjective(distance, distance == Score::kCosine ? metrics::kCosineDistance : metrics::kEuclidean,
                              context),
        sign_(distance == Score::kCosine ? -1.0f : 1.0f),
        is_soft_(is_soft),
        margin_(static_cast<double>(margin)) {}

  Status check(const Source& source) const override { return TripletClasses::check(source); }
  std::size_t least_rows() const override { return 2; }

 private:
  TextRun candidates(const TextLayout& texts) const override { return {texts.first_text(0), texts.size}; }
  void begin(const Batch& batch) override { classes_.begin(batch); }

  Choice choose(std::size_t anchor, std::span<const float> scores) const override {
    constexpr float kNone = std::numeric_limits<float>::infinity();
    std::size_t positive = anchor, negative = anchor;
    float most = -kNone, least = kNone;
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (j == anchor) continue;
      const float distance = sign_ * scores[j];
      if (classes_.is_negative(anchor, j)) {
        if (distance < least) least = distance, negative = j;
      } else if (distance > most) {
        most = distance, positive = j;
      }
    }
    // Of one class alone, all others are positives, and the farthest one stands for both.
    return {positive, negative == anchor ? positive : negative};
  }

  double row_loss(PairValues& distances) const override {
    const double x = distances[0] - distances[1];
    double loss = 0.0, slope = 0.0;
    if (is_soft_) {
      const double e = std::expm1(-std::abs(x)) + 1.0;  // exp(-|x|)
      loss = std::max(x, 0.0) + std::log1p(e);
      slope = (x > 0.0 ? 1.0 : e) / (1.0 + e);
    } else if (x + margin_ > 0.0) {
      loss = x + margin_;
      slope = 1.0;
    }
    distances = {slope, -slope};
    return loss;
  }

  const float sign_;  // what is farther has the larger sign_ * score
  const bool is_soft_;
  const double margin_;
  TripletClasses classes_;
};

Result<std::unique_ptr<Objective>> make(const Settings& settings, const ObjectiveContext& context, bool is_soft) {
  SettingsReader read(settings);
  const Score distance = read_triplet_distance(read);
  const float margin = is_soft ? 0.0f : read.number("margin");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new BatchHardTripletLoss(distance, is_soft, margin, context));
}

}  // namespace

Result<std::unique_ptr<Objective>> make_batch_hard_triplet_loss(const Settings& settings,
                                                                const ObjectiveContext& context) {
  return make(settings, context, false);
}

Result<std::unique_ptr<Objective>> make_batch_hard_soft_margin_triplet_loss(const Settings& settings,
                                                                            const ObjectiveContext& context) {
  return make(settings, context, true);
}

}  // namespace stillvec::training
