#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/thread_pool.h"
#include "training/losses/losses.h"
#include "training/objectives/score_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// mean over rows of max(0, positive margin - cos(anchor, positive)) + max(0, cos(anchor, negative) - negative margin),
// the negative being the positive of another row that is most alike (Wieting and Gimpel 2018, arXiv:1711.05732).
class MegaBatchMarginLoss final : public ScoreObjective {
 public:
  MegaBatchMarginLoss(float positive_margin, float negative_margin, const ObjectiveContext& context)
      : ScoreObjective(Score::kCosine, context), positive_margin_(positive_margin), negative_margin_(negative_margin) {}

  Status check(const Source& source) const override { return expect_columns(source, 2, 2, "MegaBatchMarginLoss"); }
  std::size_t least_rows() const override { return 2; }

 private:
  void lay_out(ScoreLayout& scores) const override { scores.add_side(0, {{0, scores.batch()}}); }

  double row_loss(const ScoreRow& row) override {
    const ScoreTerm& term = layout().terms().front();
    float* scores = row.slopes + term.column;
    scores_of(row, term, scores);
    const float missing = positive_margin_ - scores[row.row];
    std::size_t negative = row.row == 0 ? 1 : 0;
    for (std::size_t j = negative; j < term.count; ++j) {
      if (j != row.row && scores[j] > scores[negative]) negative = j;
    }
    const float excess = scores[negative] - negative_margin_;
    const float share = 1.0f / static_cast<float>(layout().batch());
    row.factors[0] = share;
    std::fill_n(scores, term.count, 0.0f);
    if (missing > 0.0f) scores[row.row] = -1.0f;
    if (excess > 0.0f) scores[negative] = 1.0f;
    return static_cast<double>(share) *
           (static_cast<double>(std::max(missing, 0.0f)) + static_cast<double>(std::max(excess, 0.0f)));
  }

  const float positive_margin_, negative_margin_;
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
