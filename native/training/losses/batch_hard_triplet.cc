#include <algorithm>
#include <cmath>
#include <memory>

#include "training/losses/batch_triplet.h"
#include "training/losses/losses.h"

namespace stillvec::training {
namespace {

// mean over anchors of f(d(anchor, farthest positive) - d(anchor, nearest negative)), with f(x) = max(0, x + margin),
// or log(1 + exp(x)) for a soft margin. As in Sentence Transformers, an anchor without positives is its own; without
// negatives, the largest distance counts as that of a negative.
class BatchHardTripletLoss final : public BatchTripletObjective {
 public:
  BatchHardTripletLoss(Score distance, bool is_soft, float margin, const ObjectiveContext& context)
      : BatchTripletObjective(distance, context), is_soft_(is_soft), margin_(static_cast<double>(margin)) {}

 private:
  double anchor_loss(const Anchor& anchor) override {
    const std::span<const float> distances = anchor.distances;
    std::size_t positive = anchor.row, negative = distances.size(), farthest = anchor.row;
    for (std::size_t j = 0; j < distances.size(); ++j) {
      if (distances[j] > distances[farthest]) farthest = j;
      if (is_positive(anchor.row, j) && distances[j] > distances[positive]) positive = j;
      const bool is_nearer = negative == distances.size() || distances[j] < distances[negative];
      if (is_negative(anchor.row, j) && is_nearer) negative = j;
    }
    if (negative == distances.size()) negative = farthest;
    const double x = static_cast<double>(distances[positive]) - static_cast<double>(distances[negative]);
    const double share = 1.0 / static_cast<double>(distances.size());
    double loss = 0.0, slope = 0.0;
    if (is_soft_) {
      const double e = std::expm1(-std::abs(x)) + 1.0;  // exp(-|x|)
      loss = std::max(x, 0.0) + std::log1p(e);
      slope = (x > 0.0 ? 1.0 : e) / (1.0 + e);
    } else if (x + margin_ > 0.0) {
      loss = x + margin_;
      slope = 1.0;
    }
    anchor.slopes[positive] += static_cast<float>(slope * share);
    anchor.slopes[negative] -= static_cast<float>(slope * share);
    return loss * share;
  }

  const bool is_soft_;
  const double margin_;
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
