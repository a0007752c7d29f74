#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/thread_pool.h"
#include "training/losses/batch_triplet.h"
#include "training/losses/losses.h"

namespace stillvec::training {
namespace {

// mean over pairs of one class of max(0, d(anchor, positive) - d(anchor, negative) + margin), where the negative is the
// nearest one beyond the positive, or else the farthest (Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832).
class BatchSemiHardTripletLoss final : public BatchTripletObjective {
 public:
  BatchSemiHardTripletLoss(Score distance, float margin, const ObjectiveContext& context)
      : BatchTripletObjective(distance, context), margin_(margin), negatives_(context.pool.size()) {}

 private:
  double anchor_loss(const Anchor& anchor) override {
    if (positive_pairs() == 0) return 0.0;
    std::vector<Negative>& negatives = negatives_[anchor.slot];
    negatives.clear();
    for (std::size_t j = 0; j < anchor.distances.size(); ++j) {
      if (is_negative(anchor.row, j)) negatives.push_back({anchor.distances[j], static_cast<std::uint32_t>(j)});
    }
    std::sort(negatives.begin(), negatives.end());
    const double share = 1.0 / static_cast<double>(positive_pairs());
    double loss = 0.0;
    for (std::size_t j = 0; j < anchor.distances.size(); ++j) {
      if (!is_positive(anchor.row, j)) continue;
      const float distance = anchor.distances[j];
      const auto beyond = std::ranges::upper_bound(negatives, distance, {}, &Negative::distance);
      const Negative* negative = negatives.empty() ? nullptr : beyond != negatives.end() ? &*beyond : &negatives.back();
      const float excess = distance - (negative == nullptr ? 0.0f : negative->distance) + margin_;
      if (!(excess > 0.0f)) continue;
      loss += share * static_cast<double>(excess);
      anchor.slopes[j] += static_cast<float>(share);
      if (negative != nullptr) anchor.slopes[negative->text] -= static_cast<float>(share);
    }
    return loss;
  }

  const float margin_;
  std::vector<std::vector<Negative>> negatives_;  // one a thread
};

}  // namespace

Result<std::unique_ptr<Objective>> make_batch_semi_hard_triplet_loss(const Settings& settings,
                                                                     const ObjectiveContext& context) {
  SettingsReader read(settings);
  const Score distance = read_triplet_distance(read);
  const float margin = read.number("margin");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new BatchSemiHardTripletLoss(distance, margin, context));
}

}  // namespace stillvec::training
