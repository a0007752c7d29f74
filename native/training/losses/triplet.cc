#include <memory>

#include "training/losses/distances.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// mean over rows of max(0, d(anchor, positive) - d(anchor, negative) + margin)
class TripletLoss final : public PairLoss {
 public:
  explicit TripletLoss(float margin) : margin_(static_cast<double>(margin)) {}

  Status check(const Source& source) const override { return expect_columns(source, 3, 3, "TripletLoss"); }

  double run(const PairScores& scores, const Batch&) const override {
    const double rows = static_cast<double>(scores.rows);
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const double missing = scores.at(i, 0) - scores.at(i, 1) + margin_;
      const double slope = missing > 0.0 ? 1.0 / rows : 0.0;
      if (missing > 0.0) sum += missing;
      scores.at(i, 0) = slope;
      scores.at(i, 1) = -slope;
    }
    return sum / rows;
  }

 private:
  const double margin_;
};

}  // namespace

Result<std::unique_ptr<Objective>> make_triplet_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  const PairMetric* distance = read_distance(read);
  const float margin = read.number("tripletMargin");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new PairObjective(context, *distance, std::make_unique<TripletLoss>(margin)));
}

}  // namespace stillvec::training
