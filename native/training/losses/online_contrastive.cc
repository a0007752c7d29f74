#include <algorithm>
#include <limits>
#include <memory>

#include "training/losses/distances.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// The distances of the pairs with one label.
struct Distances {
  std::size_t count = 0;
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  double sum = 0.0;

  void add(double distance) {
    ++count;
    least = std::min(least, distance);
    most = std::max(most, distance);
    sum += distance;
  }
  double mean() const { return sum / static_cast<double>(count); }
};

// ContrastiveLoss of the hard pairs only, as a sum: sum of d^2 over the positive pairs farther apart than the nearest
// negative pair, and of max(0, margin - d)^2 over the negative pairs nearer than the farthest positive pair. Where
// there are not two pairs of the other label, those beyond the mean of their own (Sentence Transformers).
class OnlineContrastiveLoss final : public PairLoss {
 public:
  explicit OnlineContrastiveLoss(float margin) : margin_(static_cast<double>(margin)) {}

  Status check(const Source& source) const override {
    if (Status status = expect_columns(source, 2, 2, "OnlineContrastiveLoss"); !status.is_ok()) return status;
    return expect_labels(source, 1, "OnlineContrastiveLoss");
  }

  double run(const PairScores& scores, const Batch& batch) const override {
    Distances positive, negative;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const float label = *batch.labels(i);
      if (label == 1.0f) positive.add(scores.at(i, 0));
      if (label == 0.0f) negative.add(scores.at(i, 0));
    }
    const double hard_negative = positive.count > 1 ? positive.most : negative.mean();
    const double hard_positive = negative.count > 1 ? negative.least : positive.mean();
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const float label = *batch.labels(i);
      const double distance = scores.at(i, 0), missing = std::max(0.0, margin_ - distance);
      scores.at(i, 0) = 0.0;
      if (label == 1.0f && distance > hard_positive) {
        sum += distance * distance;
        scores.at(i, 0) = 2.0 * distance;
      } else if (label == 0.0f && distance < hard_negative) {
        sum += missing * missing;
        scores.at(i, 0) = -2.0 * missing;
      }
    }
    return sum;
  }

 private:
  const double margin_;
};

}  // namespace

Result<std::unique_ptr<Objective>> make_online_contrastive_loss(const Settings& settings,
                                                                const ObjectiveContext& context) {
  SettingsReader read(settings);
  const PairMetric* distance = read_distance(read);
  const float margin = read.number("margin");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(
      new PairObjective(context, *distance, std::make_unique<OnlineContrastiveLoss>(margin)));
}

}  // namespace stillvec::training
