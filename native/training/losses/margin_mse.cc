#include <limits>
#include <memory>

#include "training/losses/distances.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// mean over rows and negatives of (s(query, positive) - s(query, negative) - margin)^2, with the teacher's margins as
// labels, or its scores, of which they are the differences (Hofstätter et al. 2020, arXiv:2010.02666).
class MarginMseLoss final : public PairLoss {
 public:
  Status check(const Source& source) const override {
    constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
    if (Status status = expect_columns(source, 3, kAnyNumber, "MarginMSELoss"); !status.is_ok()) return status;
    if (source.labels.width == source.columns.size() - 1) return Status::ok();
    return expect_labels(source, source.columns.size() - 2, "MarginMSELoss");
  }

  double run(const PairScores& scores, const Batch& batch) const override {
    const std::size_t negatives = scores.pairs - 1;
    const bool are_scores = batch.source->labels.width == scores.pairs;
    const double share = 1.0 / static_cast<double>(scores.rows * negatives);
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const float* labels = batch.labels(i);
      const double positive = scores.at(i, 0);
      scores.at(i, 0) = 0.0;
      for (std::size_t k = 1; k <= negatives; ++k) {
        const double margin = are_scores ? static_cast<double>(labels[0]) - static_cast<double>(labels[k])
                                         : static_cast<double>(labels[k - 1]);
        const double error = positive - scores.at(i, k) - margin;
        sum += error * error;
        scores.at(i, 0) += 2.0 * share * error;
        scores.at(i, k) = -2.0 * share * error;
      }
    }
    return share * sum;
  }
};

}  // namespace

Result<std::unique_ptr<Objective>> make_margin_mse_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  const PairMetric* similarity = read_similarity(read);
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new PairObjective(context, *similarity, std::make_unique<MarginMseLoss>()));
}

}  // namespace stillvec::training
