#include <memory>

#include "training/losses/losses.h"
#include "training/objectives/pair_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// mean over rows of (cos(a, b) - label)^2
class CosineSimilarityLoss final : public PairLoss {
 public:
  Status check(const Source& source) const override {
    if (Status status = expect_columns(source, 2, 2, "CosineSimilarityLoss"); !status.is_ok()) return status;
    return expect_labels(source, 1, "CosineSimilarityLoss");
  }

  double run(const PairScores& scores, const Batch& batch) const override {
    const double rows = static_cast<double>(scores.rows);
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const double error = scores.at(i, 0) - static_cast<double>(*batch.labels(i));
      sum += error * error;
      scores.at(i, 0) = 2.0 * error / rows;
    }
    return sum / rows;
  }
};

}  // namespace

Result<std::unique_ptr<Objective>> make_cosine_similarity_loss(const Settings&, const ObjectiveContext& context) {
  return std::unique_ptr<Objective>(
      new PairObjective(context, metrics::kCosine, std::make_unique<CosineSimilarityLoss>()));
}

}  // namespace stillvec::training
