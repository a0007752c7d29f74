#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/thread_pool.h"
#include "training/losses/batch_triplet.h"
#include "training/losses/losses.h"

namespace stillvec::training {
namespace {

// max(0, d(anchor, positive) - d(anchor, negative) + margin) of all triplets of the batch, as the mean over those above
// 0. An anchor's triplets are summed by sorting its negatives: of a positive, those above 0 are with the nearest ones.
// How many there are in all must be known before any slope is, so that all anchors are looked at first.
class BatchAllTripletLoss final : public BatchTripletObjective {
 public:
  BatchAllTripletLoss(Score distance, float margin, const ObjectiveContext& context)
      : BatchTripletObjective(distance, context), margin_(margin), negatives_(context.pool.size()) {}

 private:
  bool observes() const override { return true; }

  void observe_anchor(const Anchor& anchor) override {
    const std::vector<Negative>& negatives = sort_negatives(anchor);
    std::uint64_t count = 0;
    for (std::size_t j = 0; j < anchor.distances.size(); ++j) {
      if (is_positive(anchor.row, j)) count += nearer(negatives, anchor.distances[j] + margin_);
    }
    counts_[anchor.prefix * layout().batch() + anchor.row] = count;
  }

  void begin_observing() override { counts_.assign(prefixes() * layout().batch(), 0); }

  void conclude(std::size_t prefix) override {
    const std::size_t batch = layout().batch();
    std::uint64_t count = 0;
    for (std::size_t row = 0; row < batch; ++row) count += counts_[prefix * batch + row];
    shares_.resize(prefixes());
    shares_[prefix] = count == 0 ? 0.0 : 1.0 / static_cast<double>(count);
  }

  double anchor_loss(const Anchor& anchor) override {
    const double share = shares_[anchor.prefix];
    const std::vector<Negative>& negatives = sort_negatives(anchor);
    // Of the k nearest negatives: the sum of their distances, and how many positives' triplets end with them.
    std::vector<double> sums(negatives.size() + 1, 0.0);
    std::vector<std::uint32_t> ends(negatives.size() + 1, 0);
    for (std::size_t k = 0; k < negatives.size(); ++k) {
      sums[k + 1] = sums[k] + static_cast<double>(negatives[k].distance);
    }
    double loss = 0.0;
    for (std::size_t j = 0; j < anchor.distances.size(); ++j) {
      if (!is_positive(anchor.row, j)) continue;
      const float reach = anchor.distances[j] + margin_;
      const std::size_t count = nearer(negatives, reach);
      loss += static_cast<double>(count) * static_cast<double>(reach) - sums[count];
      anchor.slopes[j] = static_cast<float>(share * static_cast<double>(count));
      ++ends[count];
    }
    std::uint32_t triplets = 0;
    for (std::size_t k = negatives.size(); k-- > 0;) {
      triplets += ends[k + 1];
      anchor.slopes[negatives[k].text] = static_cast<float>(-share * static_cast<double>(triplets));
    }
    return share * loss;
  }

  static std::size_t nearer(const std::vector<Negative>& negatives, float distance) {
    return static_cast<std::size_t>(std::ranges::lower_bound(negatives, distance, {}, &Negative::distance) -
                                    negatives.begin());
  }

  const std::vector<Negative>& sort_negatives(const Anchor& anchor) {
    std::vector<Negative>& negatives = negatives_[anchor.slot];
    negatives.clear();
    for (std::size_t j = 0; j < anchor.distances.size(); ++j) {
      if (is_negative(anchor.row, j)) negatives.push_back({anchor.distances[j], static_cast<std::uint32_t>(j)});
    }
    std::sort(negatives.begin(), negatives.end());
    return negatives;
  }

  const float margin_;
  std::vector<std::vector<Negative>> negatives_;  // one a thread
  std::vector<std::uint64_t> counts_;             // prefixes x anchors: triplets above 0
  std::vector<double> shares_;                    // one a prefix: one over those of all anchors
};

}  // namespace

Result<std::unique_ptr<Objective>> make_batch_all_triplet_loss(const Settings& settings,
                                                               const ObjectiveContext& context) {
  SettingsReader read(settings);
  const Score distance = read_triplet_distance(read);
  const float margin = read.number("margin");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new BatchAllTripletLoss(distance, margin, context));
}

}  // namespace stillvec::training
