#include "training/losses/batch_triplet.h"

#include <algorithm>
#include <string>

#include "runtime/thread_pool.h"
#include "training/source_checks.h"

namespace stillvec::training {

Score read_triplet_distance(SettingsReader& read) {
  return read.choice<Score>("distanceMetric", {{"cosine", Score::kCosine}, {"euclidean", Score::kEuclidean}});
}

BatchTripletObjective::BatchTripletObjective(Score distance, const ObjectiveContext& context)
    : ScoreObjective(distance, context), is_cosine_(distance == Score::kCosine), distances_(context.pool.size()) {}

Status BatchTripletObjective::check(const Source& source) const {
  if (Status status = expect_columns(source, 1, 1, "a loss of batch triplets"); !status.is_ok()) return status;
  if (Status status = expect_labels(source, 1, "a loss of batch triplets"); !status.is_ok()) return status;
  std::vector<float> classes(source.labels.values.begin(), source.labels.values.end());
  std::ranges::sort(classes);
  const bool has_positive = std::ranges::adjacent_find(classes) != classes.end();
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (has_positive && classes.size() > 1) return Status::ok();
  return {Code::kInvalidArgument,
          "expected two or more classes of which one has two or more rows for label but received " +
              std::to_string(classes.size()) + " in " + std::to_string(source.rows()) +
              " rows: a triplet is two texts of one class and one of another"};
}

void BatchTripletObjective::lay_out(ScoreLayout& scores) const {
  scores.add_side(0, {{scores.texts().first_text(0), scores.batch()}});
}

void BatchTripletObjective::begin(const Batch& batch) {
  classes_.clear();
  for (std::size_t i = 0; i < batch.layout.size; ++i) classes_.push_back(*batch.labels(i));
  std::vector<float> sorted = classes_;
  std::ranges::sort(sorted);
  positive_pairs_ = 0;
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto end = std::upper_bound(first, sorted.end(), *first);
    const auto size = static_cast<std::size_t>(end - first);
    positive_pairs_ += size * (size - 1);
    first = end;
  }
  for (Buffer<float>& distances : distances_) distances.reserve(batch.layout.size);
}

BatchTripletObjective::Anchor BatchTripletObjective::anchor_of(const ScoreRow& row) {
  const ScoreTerm& term = layout().terms().front();
  float* distances = distances_[row.slot].data();
  scores_of(row, term, distances);
  if (is_cosine_) {
    for (std::size_t j = 0; j < term.count; ++j) distances[j] = 1.0f - distances[j];
  }
  distances[row.row] = 0.0f;
  return {row.prefix, row.row, row.slot, {distances, term.count}, row.slopes + term.column};
}

void BatchTripletObjective::observe(const ScoreRow& row) { observe_anchor(anchor_of(row)); }

double BatchTripletObjective::row_loss(const ScoreRow& row) {
  const Anchor anchor = anchor_of(row);
  std::fill_n(anchor.slopes, anchor.distances.size(), 0.0f);
  const double loss = anchor_loss(anchor);
  row.factors[0] = is_cosine_ ? -1.0f : 1.0f;
  if (is_cosine_) return loss;
  for (std::size_t j = 0; j < anchor.distances.size(); ++j) {
    // A distance of 0 has no direction to grow in.
    anchor.slopes[j] = anchor.distances[j] > 0.0f ? anchor.slopes[j] / anchor.distances[j] : 0.0f;
  }
  return loss;
}

}  // namespace stillvec::training
