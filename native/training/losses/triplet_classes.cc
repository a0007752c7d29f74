#include "training/losses/triplet_classes.h"

#include <algorithm>
#include <string>

#include "training/source_checks.h"

namespace stillvec::training {

Score read_triplet_distance(SettingsReader& read) {
  return read.choice<Score>("distanceMetric", {{"cosine", Score::kCosine}, {"euclidean", Score::kEuclidean}});
}

Status TripletClasses::check(const Source& source) {
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

void TripletClasses::begin(const Batch& batch) {
  classes_.clear();
  for (std::size_t i = 0; i < batch.layout.size; ++i) classes_.push_back(*batch.labels(i));
}

std::size_t TripletClasses::positive_pairs() const {
  std::vector<float> sorted = classes_;
  std::ranges::sort(sorted);
  std::size_t pairs = 0;
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto end = std::upper_bound(first, sorted.end(), *first);
    const auto size = static_cast<std::size_t>(end - first);
    pairs += size * (size - 1);
    first = end;
  }
  return pairs;
}

}  // namespace stillvec::training
