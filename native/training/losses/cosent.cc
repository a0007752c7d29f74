#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "training/exponentials.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// log(1 + sum over pairs i, j with label_i < label_j of exp(z_i - z_j)), where z are the scaled scores of the pairs of
// texts in a batch (Huang et al. 2024, CoSENT; with the angle of AoE as the score, AnglE). Further texts of a row are
// negatives: they pair with the first text under 1 - the label of the second, which is 1 unless the dataset says it.
//
// Sorted by label, the sum factors: sum over j of exp(-z_j) * (sum over the i below of exp(z_i)). So it takes two
// passes over running sums, not all pairs of pairs.
class CoSentLoss final : public PairLoss {
 public:
  explicit CoSentLoss(float scale) : scale_(static_cast<double>(scale)) {}

  Status check(const Source& source) const override {
    constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
    if (Status status = expect_columns(source, 2, kAnyNumber, "CoSENTLoss"); !status.is_ok()) return status;
    if (source.columns.size() > 2 && source.labels.width == 0) return Status::ok();
    return expect_labels(source, 1, "CoSENTLoss");
  }

  double run(const PairScores& scores, const Batch& batch) const override {
    std::vector<Pair> pairs = sorted_pairs(scores, batch);
    LogSumExp total;
    total.add(0.0);
    for_groups(pairs, [&](std::size_t begin, std::size_t end, LogSumExp& below) {
      for (std::size_t i = begin; i < end; ++i) pairs[i].below = below.value() - pairs[i].logit;
      for (std::size_t i = begin; i < end; ++i) below.add(pairs[i].logit);
      for (std::size_t i = begin; i < end; ++i) total.add(pairs[i].below);
    });
    const double loss = total.value();
    for (Pair& pair : pairs) *pair.score = -scale_ * exponential(pair.below - loss);
    std::ranges::reverse(pairs);
    for_groups(pairs, [&](std::size_t begin, std::size_t end, LogSumExp& above) {
      for (std::size_t i = begin; i < end; ++i) {
        *pairs[i].score += scale_ * exponential(above.value() + pairs[i].logit - loss);
      }
      for (std::size_t i = begin; i < end; ++i) above.add(-pairs[i].logit);
    });
    return loss;
  }

 private:
  struct Pair {
    double label;
    double logit;
    double* score;
    double below = 0.0;  // log of the sum of exp(z_i - z_j) over the i with lower labels
  };

  // By label; equal ones in the order of the batch, so that every sum has one order.
  std::vector<Pair> sorted_pairs(const PairScores& scores, const Batch& batch) const {
    std::vector<Pair> pairs;
    pairs.reserve(scores.rows * scores.pairs);
    const bool is_labelled = batch.source->labels.width > 0;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const double label = is_labelled ? static_cast<double>(*batch.labels(i)) : 1.0;
      for (std::size_t k = 0; k < scores.pairs; ++k) {
        double& score = scores.at(i, k);
        pairs.push_back({k == 0 ? label : 1.0 - label, scale_ * score, &score});
      }
    }
    std::ranges::stable_sort(pairs, {}, &Pair::label);
    return pairs;
  }

  // Runs of pairs with one label, with one running sum for all.
  template <typename Visit>
  static void for_groups(const std::vector<Pair>& pairs, const Visit& visit) {
    LogSumExp sum;
    for (std::size_t begin = 0, end = 0; begin < pairs.size(); begin = end) {
      while (end < pairs.size() && pairs[end].label == pairs[begin].label) ++end;
      visit(begin, end, sum);
    }
  }

  const double scale_;
};

}  // namespace

Result<std::unique_ptr<Objective>> make_cosent_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  const float scale = read.positive("scale");
  const PairMetric* similarity =
      read.choice<const PairMetric*>("similarity", {{"cosine", &metrics::kCosine}, {"angle", &metrics::kAngle}});
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new PairObjective(context, *similarity, std::make_unique<CoSentLoss>(scale)));
}

}  // namespace stillvec::training
