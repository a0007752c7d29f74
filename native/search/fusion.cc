#include "search/fusion.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

constexpr double kRankOffset = 60.0;

// What one thread works with: sums of one query.
class Fuser {
 public:
  explicit Fuser(Normalization normalization) : normalization_(normalization) {}

  void begin(std::size_t documents) { sums_.assign(documents, 0.0); }

  void add(const Scores& all, std::size_t query, double weight) {
    const float* row = all.data + query * all.columns;
    picked_.resize(sums_.size());
    for (std::size_t i = 0; i < picked_.size(); ++i) {
      const float score = row[all.documents.empty() ? i : all.documents[i]];
      picked_[i] = std::isfinite(score) ? score : 0.0f;  // else they could not be sorted
    }
    const float* scores = picked_.data();
    switch (normalization_) {
      case Normalization::kMinMax: add_min_max(scores, weight); break;
      case Normalization::kZScore: add_z_scores(scores, weight); break;
      case Normalization::kReciprocalRank: add_reciprocal_ranks(scores, weight); break;
    }
  }

  void keep(std::size_t query, Hits& hits) {
    found_.resize(sums_.size());
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      found_[i] = {static_cast<float>(sums_[i]), static_cast<std::uint32_t>(i)};
    }
    keep_best(found_, query, hits);
  }

 private:
  void add_min_max(const float* scores, double weight) {
    const auto [min, max] = std::minmax_element(scores, scores + sums_.size());
    if (min == max || *min == *max) return;
    const double least = *min, factor = weight / (static_cast<double>(*max) - least);
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += factor * (scores[i] - least);
  }

  void add_z_scores(const float* scores, double weight) {
    const double count = static_cast<double>(sums_.size());
    const double mean = std::accumulate(scores, scores + sums_.size(), 0.0) / count;
    double square = 0.0;
    for (std::size_t i = 0; i < sums_.size(); ++i) square += (scores[i] - mean) * (scores[i] - mean);
    const double deviation = std::sqrt(square / count);
    if (!(deviation > 0.0)) return;
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += weight * (scores[i] - mean) / deviation;
  }

  void add_reciprocal_ranks(const float* scores, double weight) {
    order_.resize(sums_.size());
    std::iota(order_.begin(), order_.end(), 0u);
    std::ranges::sort(order_, [scores](auto a, auto b) { return scores[a] > scores[b]; });
    double term = 0.0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const bool is_tied = i > 0 && scores[order_[i]] == scores[order_[i - 1]];
      if (!is_tied) term = weight / (kRankOffset + 1.0 + static_cast<double>(i));
      sums_[order_[i]] += term;
    }
  }

  Normalization normalization_;
  std::vector<double> sums_;
  std::vector<float> picked_;
  std::vector<std::uint32_t> order_;
  std::vector<Hit> found_;
};

}  // namespace

Hits fuse(const FusionRequest& request, const Scores& first, const Scores& second, std::size_t queries,
          ThreadPool& pool, const ShallStop& shall_stop) {
  const std::size_t documents = first.documents.empty() ? first.columns : first.documents.size();
  Hits hits(queries, std::min(request.k, documents));
  std::vector<Fuser> fusers(pool.size() + 1, Fuser(request.normalization));
  pool.parallel_for(queries, [&](std::size_t query, unsigned slot) {
    if (shall_stop && shall_stop()) return;
    Fuser& fuser = fusers[slot];
    fuser.begin(documents);
    fuser.add(first, query, request.weight);
    fuser.add(second, query, 1.0);
    fuser.keep(query, hits);
  });
  return hits;
}

}  // namespace stillvec::search
