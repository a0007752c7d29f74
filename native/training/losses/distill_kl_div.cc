#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "training/exponentials.h"
#include "training/losses/distances.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// The softmax of a row's candidates.
class Softmax {
 public:
  template <typename Logit>
  Softmax(std::size_t count, const Logit& logit) : logits_(count) {
    LogSumExp sum;
    for (std::size_t k = 0; k < count; ++k) sum.add(logits_[k] = logit(k));
    log_sum_ = sum.value();
  }

  double log_share(std::size_t k) const { return logits_[k] - log_sum_; }
  double share(std::size_t k) const { return std::max(0.0, exponential(log_share(k))); }

 private:
  std::vector<double> logits_;
  double log_sum_ = 0.0;
};

// With p the teacher's softmax over a row's candidates, at its temperature, and q the student's at its temperature t:
// t^2 * mean over rows of sum over candidates of p log(p / q) (Lin, Yang and Lin 2020, arXiv:2010.11386).
class DistillKlDivLoss final : public PairLoss {
 public:
  DistillKlDivLoss(float student_temperature, float teacher_temperature)
      : student_(static_cast<double>(student_temperature)), teacher_(static_cast<double>(teacher_temperature)) {}

  Status check(const Source& source) const override {
    constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
    if (Status status = expect_columns(source, 3, kAnyNumber, "DistillKLDivLoss"); !status.is_ok()) return status;
    return expect_labels(source, source.columns.size() - 1, "DistillKLDivLoss");
  }

  double run(const PairScores& scores, const Batch& batch) const override {
    const double rows = static_cast<double>(scores.rows);
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.rows; ++i) {
      const float* labels = batch.labels(i);
      const Softmax wanted(scores.pairs, [&](std::size_t k) { return static_cast<double>(labels[k]) / teacher_; });
      const Softmax given(scores.pairs, [&](std::size_t k) { return scores.at(i, k) / student_; });
      for (std::size_t k = 0; k < scores.pairs; ++k) {
        const double share = wanted.share(k);
        sum += share * (wanted.log_share(k) - given.log_share(k));
        scores.at(i, k) = student_ * (given.share(k) - share) / rows;
      }
    }
    return student_ * student_ * sum / rows;
  }

 private:
  const double student_, teacher_;
};

}  // namespace

Result<std::unique_ptr<Objective>> make_distill_kl_div_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  const PairMetric* similarity = read_similarity(read);
  const float student = read.positive("studentTemperature");
  const float teacher = read.positive("teacherTemperature");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(
      new PairObjective(context, *similarity, std::make_unique<DistillKlDivLoss>(student, teacher)));
}

}  // namespace stillvec::training
