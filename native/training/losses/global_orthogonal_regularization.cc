#include <algorithm>
#include <memory>
#include <vector>

#include "training/losses/losses.h"
#include "training/objectives/score_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// Of every column, mean weight * m^2 + second moment weight * max(0, q - 1 / dim), where m is the mean and q the mean
// square of the cosines between different texts: what those of random directions are (Zhang et al. 2017,
// arXiv:1708.06320). Of several columns their mean or their sum. Slopes follow from m and q, so all scores are looked
// at first.
class GlobalOrthogonalRegularizationLoss final : public ScoreObjective {
 public:
  GlobalOrthogonalRegularizationLoss(float mean_weight, float second_moment_weight, bool sums,
                                     const ObjectiveContext& context)
      : ScoreObjective(Score::kCosine, context),
        mean_weight_(static_cast<double>(mean_weight)),
        second_moment_weight_(static_cast<double>(second_moment_weight)),
        sums_(sums) {}

  Status check(const Source& source) const override {
    return expect_columns(source, 1, SIZE_MAX, "GlobalOrthogonalRegularizationLoss");
  }
  std::size_t least_rows() const override { return 2; }

 private:
  // The sums of a text's cosines with the others, and of their squares.
  struct Moments {
    double sum = 0.0, squares = 0.0;
  };
  // d loss / d cosine = constant + linear * cosine
  struct Slope {
    float constant = 0.0f, linear = 0.0f;
  };

  void lay_out(ScoreLayout& scores) const override {
    for (std::size_t c = 0; c < scores.texts().columns; ++c) {
      scores.add_side(c, {{scores.texts().first_text(c), scores.batch()}});
    }
  }

  bool observes() const override { return true; }

  void begin_observing() override {
    moments_.resize(prefixes() * terms() * layout().batch());
    slopes_.resize(prefixes() * terms());
  }

  void observe(const ScoreRow& row) override {
    for (std::size_t t = 0; t < terms(); ++t) {
      const ScoreTerm& term = layout().terms()[t];
      float* cosines = row.slopes + term.column;
      scores_of(row, term, cosines);
      cosines[row.row] = 0.0f;
      Moments moments;
      for (std::size_t j = 0; j < term.count; ++j) {
        const double cosine = static_cast<double>(cosines[j]);
        moments.sum += cosine;
        moments.squares += cosine * cosine;
      }
      moments_[(row.prefix * terms() + t) * layout().batch() + row.row] = moments;
    }
  }

  double conclude(std::size_t prefix) override {
    const std::size_t batch = layout().batch();
    const double pairs = static_cast<double>(batch) * static_cast<double>(batch - 1);
    const double share = sums_ ? 1.0 : 1.0 / static_cast<double>(terms());
    double loss = 0.0;
    for (std::size_t t = 0; t < terms(); ++t) {
      Moments total;
      for (std::size_t row = 0; row < batch; ++row) {
        const Moments& moments = moments_[(prefix * terms() + t) * batch + row];
        total.sum += moments.sum;
        total.squares += moments.squares;
      }
      const double mean = total.sum / pairs;
      const double excess = total.squares / pairs - 1.0 / static_cast<double>(dim_of(prefix));
      loss += share * (mean_weight_ * mean * mean + second_moment_weight_ * std::max(excess, 0.0));
      slopes_[prefix * terms() + t] = {
          static_cast<float>(share * mean_weight_ * 2.0 * mean / pairs),
          excess > 0.0 ? static_cast<float>(share * second_moment_weight_ * 2.0 / pairs) : 0.0f};
    }
    return loss;
  }

  double row_loss(const ScoreRow& row) override {
    for (std::size_t t = 0; t < terms(); ++t) {
      const ScoreTerm& term = layout().terms()[t];
      const Slope slope = slopes_[row.prefix * terms() + t];
      float* cosines = row.slopes + term.column;
      scores_of(row, term, cosines);
      for (std::size_t j = 0; j < term.count; ++j) cosines[j] = slope.constant + slope.linear * cosines[j];
      cosines[row.row] = 0.0f;
      row.factors[t] = 1.0f;
    }
    return 0.0;  // conclude() has given all of it
  }

  std::size_t terms() const { return layout().terms().size(); }

  const double mean_weight_, second_moment_weight_;
  const bool sums_;
  std::vector<Moments> moments_;  // prefixes x terms x texts
  std::vector<Slope> slopes_;     // prefixes x terms
};

}  // namespace

Result<std::unique_ptr<Objective>> make_global_orthogonal_regularization_loss(const Settings& settings,
                                                                              const ObjectiveContext& context) {
  SettingsReader read(settings);
  const float mean_weight = read.not_negative("meanWeight");
  const float second_moment_weight = read.not_negative("secondMomentWeight");
  const bool sums = read.choice<bool>("aggregation", {{"mean", false}, {"sum", true}});
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(
      new GlobalOrthogonalRegularizationLoss(mean_weight, second_moment_weight, sums, context));
}

}  // namespace stillvec::training
