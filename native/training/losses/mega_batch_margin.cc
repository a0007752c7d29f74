#include <algorithm>
#include <memory>
#include <span>

#include "training/losses/losses.h"
#include "training/objectives/hardest_pairs_objective.h"
#include "training/objectives/pair_metric.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// mean over rows of max(0, positive margin - cos(anchor, positive)) + max(0, cos(anchor, negative) - negative margin),
// the negative being the positive of another row that is most alike (Wieting and Gimpel 2018, arXiv:1711.05732).
class MegaBatchMarginLoss final : public HardestPairsObjective {
 public:
  MegaBatchMarginLoss(float positive_margin, float negative_margin, const ObjectiveContext& context)
      : HardestPairsObjective(Score::kCosine, metrics::kCosine, context),
        positive_margin_(static_cast<double>(positive_margin)),
        negative_margin_(static_cast<double>(negative_margin)) {}

  Status check(const Source& source) const override { return expect_columns(source, 2, 2, "MegaBatchMarginLoss"); }
  std::size_t least_rows() const override { return 2; }

 private:
  TextRun candidates(const TextLayout& texts) const override { return {texts.first_text(1), texts.size}; }

  Choice choose(std::size_t row, std::span<const float> scores) const override {
    std::size_t negative = row == 0 ? 1 : 0;
    for (std::size_t j = negative; j < scores.size(); ++j) {
      if (j != row && scores[j] > scores[negative]) negative = j;
    }
    return {row, negative};
  }

  double row_loss(PairValues& cosines) const override {
    const double missing = positive_margin_ - cosines[0], excess = cosines[1] - negative_margin_;
    cosines = {missing > 0.0 ? -1.0 : 0.0, excess > 0.0 ? 1.0 : 0.0};
    return std::max(missing, 0.0) + std::max(excess, 0.0);
  }

  const double positive_margin_, negative_margin_;
};

}  // namespace

Result<std::unique_ptr<Objective>> make_mega_batch_margin_loss(const Settings& settings,
                                                               const ObjectiveContext& context) {
  SettingsReader read(settings);
  const float positive = read.number("positiveMargin"), negative = read.number("negativeMargin");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new MegaBatchMarginLoss(positive, negative, context));
}

}  // namespace stillvec::training
