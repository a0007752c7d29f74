#include "training/losses/batch_triplet.h"

#include <algorithm>

#include "runtime/thread_pool.h"

namespace stillvec::training {

BatchTripletObjective::BatchTripletObjective(Score distance, const ObjectiveContext& context)
    : ScoreObjective(distance, context), is_cosine_(distance == Score::kCosine), distances_(context.pool.size()) {}

void BatchTripletObjective::lay_out(ScoreLayout& scores) const {
  scores.add_side(0, {{scores.texts().first_text(0), scores.batch()}});
}

void BatchTripletObjective::begin(const Batch& batch) {
  classes_.begin(batch);
  positive_pairs_ = classes_.positive_pairs();
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
