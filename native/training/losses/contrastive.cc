#include <algorithm>
#include <memory>

#include "training/losses/distances.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// With y the label and d the distance: mean or sum over rows of (y d^2 + (1 - y) max(0, margin - d)^2) / 2
// (Hadsell, Chopra and LeCun 2006).
class ContrastiveLoss final : public PairLoss {
 public:
  ContrastiveLoss(float margin, bool size_average) : margin_(static_cast<double>(margin)), averages_(size_average) {}

  Status check(const Source& source) const override {
    if (Status status = expect_columns(source, 2, 2, "ContrastiveLoss"); !status.is_ok()) return status;
    return expect_labels(source, 1, "ContrastiveLoss");
  }

  double run(const PairScores& scores, const Batch& batch) const override {
    const double share = averages_ ? 1.0 / static_cast<double>(scores.rows) : 1.0;
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const double label = static_cast<double>(*batch.labels(i));
      const double distance = scores.at(i, 0), missing = std::max(0.0, margin_ - distance);
      sum += 0.5 * (label * distance * distance + (1.0 - label) * missing * missing);
      scores.at(i, 0) = share * (label * distance - (1.0 - label) * missing);
    }
    return share * sum;
  }

 private:
  const double margin_;
  const bool averages_;
};

}  // namespace

Result<std::unique_ptr<Objective>> make_contrastive_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  const PairMetric* distance = read_distance(read);
  const float margin = read.number("margin");
  const bool size_average = read.flag("sizeAverage");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(
      new PairObjective(context, *distance, std::make_unique<ContrastiveLoss>(margin, size_average)));
}

}  // namespace stillvec::training
