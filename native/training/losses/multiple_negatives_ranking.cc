#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kernels/softmax/softmax.h"
#include "training/losses/losses.h"
#include "training/objectives/score_objective.h"

namespace stillvec::training {
namespace {

// Where no logit is above this, exponentials may be taken of the distance to the bound: those of logits that far below
// zero are still normal numbers, so the largest logit need not be found first.
constexpr float kMostShift = 40.0f;

Status invalid(const char* message) { return {Code::kInvalidArgument, message}; }

enum class Similarity { kCosine, kDot };

// Which side plays the query and which the candidates (Sentence Transformers' `directions`).
enum Direction : unsigned {
  kQueryToDoc = 1u << 0,
  kQueryToQuery = 1u << 1,
  kDocToQuery = 1u << 2,
  kDocToDoc = 1u << 3,
};

enum class Hardness { kNone, kInBatchNegatives, kHardNegatives, kAllNegatives };

// MultipleNegativesRankingLoss: column 0 anchors, column 1 positives, columns 2... hard negatives.
struct RankingLoss {
  float scale = 20.0f;
  Similarity similarity = Similarity::kCosine;
  unsigned directions = kQueryToDoc;
  bool per_direction = false;  // partition_mode: one logsumexp a direction (mean of them), else one over all
  Hardness hardness = Hardness::kNone;
  float hardness_strength = 0.0f;
  bool mask_duplicates = false;  // texts that equal the row's anchor or positive are no negatives of it
};

class RankingObjective final : public ScoreObjective {
 public:
  RankingObjective(const RankingLoss& loss, const ObjectiveContext& context);

  Status check(const Source& source) const override;
  std::size_t least_rows() const override { return 2; }
  bool compares_texts() const override { return loss_.mask_duplicates; }

 private:
  void lay_out(ScoreLayout& scores) const override;
  void begin(const Batch& batch) override;
  double row_loss(const ScoreRow& row) override;
  template <typename Visit>
  void visit_runs(std::size_t term, std::size_t row, Visit&& visit) const;
  void find_duplicates(const Batch& batch);
  std::span<const std::uint32_t> duplicates_of(std::size_t row) const {
    if (!loss_.mask_duplicates) return {};
    return {duplicates_.data() + first_duplicate_[row], duplicates_.data() + first_duplicate_[row + 1]};
  }

  const RankingLoss loss_;
  const float logit_bound_;            // no logit is above it
  std::vector<Direction> directions_;  // of each term

  // Texts that equal a text of the row's pair, ascending; those of row i begin at first_duplicate_[i].
  std::vector<std::uint32_t> duplicates_;
  std::vector<std::size_t> first_duplicate_;
};

RankingObjective::RankingObjective(const RankingLoss& loss, const ObjectiveContext& context)
    : ScoreObjective(loss.similarity == Similarity::kDot ? Score::kDot : Score::kCosine, context),
      loss_(loss),
      logit_bound_(is_unit_norm() ? loss.scale + (loss.hardness == Hardness::kNone ? 0.0f : loss.hardness_strength)
                                  : std::numeric_limits<float>::infinity()) {
  // In the order in which lay_out() makes the terms.
  for (const Direction direction : {kQueryToDoc, kQueryToQuery, kDocToDoc, kDocToQuery}) {
    if ((loss.directions & direction) != 0) directions_.push_back(direction);
  }
}

Status RankingObjective::check(const Source& source) const {
  if (source.columns.size() >= 2) return Status::ok();
  return invalid("a ranking loss needs at least two columns");
}

void RankingObjective::lay_out(ScoreLayout& scores) const {
  const TextRun documents = {0, scores.documents()}, anchors = {scores.texts().first_text(0), scores.batch()};
  const auto has = [&](Direction direction) { return (loss_.directions & direction) != 0; };
  if (has(kQueryToQuery)) {
    scores.add_side(0, {documents, anchors});
  } else {
    scores.add_side(0, {documents});
  }
  if (has(kDocToDoc) && has(kDocToQuery)) {
    scores.add_side(1, {documents, anchors});
  } else if (has(kDocToDoc)) {
    scores.add_side(1, {documents});
  } else if (has(kDocToQuery)) {
    scores.add_side(1, {anchors});
  }
}

void RankingObjective::begin(const Batch& batch) {
  if (loss_.mask_duplicates) find_duplicates(batch);
}

void RankingObjective::find_duplicates(const Batch& batch) {
  const TextLayout& texts = layout().texts();
  const std::uint64_t* hashes = batch.source->text_hashes.data();
  const auto hash_of = [&](std::size_t column, std::size_t row) {
    return hashes[batch.rows[row] * texts.columns + column];
  };
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_hash;
  for (std::size_t column = 0; column < texts.columns; ++column) {
    for (std::size_t row = 0; row < texts.size; ++row) {
      by_hash.emplace_back(hash_of(column, row), static_cast<std::uint32_t>(texts.first_text(column) + row));
    }
  }
  std::ranges::sort(by_hash);
  duplicates_.clear();
  first_duplicate_.assign(1, 0);
  for (std::size_t row = 0; row < texts.size; ++row) {
    const std::size_t anchor = texts.first_text(0) + row, positive = texts.first_text(1) + row;
    const auto begin = static_cast<std::ptrdiff_t>(duplicates_.size());
    for (const std::size_t column : {std::size_t{0}, std::size_t{1}}) {
      const std::uint64_t hash = hash_of(column, row);
      for (auto same = std::ranges::lower_bound(by_hash, std::pair(hash, std::uint32_t{0}));
           same != by_hash.end() && same->first == hash; ++same) {
        if (same->second != anchor && same->second != positive) duplicates_.push_back(same->second);
      }
    }
    std::sort(duplicates_.begin() + begin, duplicates_.end());
    duplicates_.erase(std::unique(duplicates_.begin() + begin, duplicates_.end()), duplicates_.end());
    first_duplicate_.push_back(duplicates_.size());
  }
}

// Calls visit(begin, end, factor) for runs of a term's candidates, where factor times the similarity is the logit, or 0
// for those that are masked. A text's own candidates (candidate c * batch + row of the documents, or `row` of the
// anchors) may be masked or weighed differently, and duplicates are masked; each is then a run.
template <typename Visit>
void RankingObjective::visit_runs(std::size_t term, std::size_t row, Visit&& visit_run) const {
  const auto visit = [&](std::size_t begin, std::size_t end, float factor) {
    const std::size_t first_text = layout().terms()[term].first_text;
    for (const std::uint32_t text : duplicates_of(row)) {
      if (text < first_text + begin || text >= first_text + end) continue;
      const std::size_t masked = text - first_text;
      visit_run(begin, masked, factor);
      visit_run(masked, masked + 1, 0.0f);
      begin = masked + 1;
    }
    visit_run(begin, end, factor);
  };
  const Direction direction = directions_[term];
  const std::size_t batch = layout().batch(), count = layout().terms()[term].count;
  const bool is_hardened = direction == kQueryToDoc && loss_.hardness != Hardness::kNone;
  const bool masks_own = direction == kQueryToQuery || direction == kDocToDoc;
  if (!is_hardened && !masks_own) {
    visit(0, count, loss_.scale);
    return;
  }
  const float hardened = loss_.scale + loss_.hardness_strength;
  const float others = is_hardened && loss_.hardness != Hardness::kHardNegatives ? hardened : loss_.scale;
  std::size_t begin = 0;
  for (std::size_t own = row; own < count; own += batch) {
    const bool is_hard_negative = own >= batch;
    const bool hardens_own = is_hard_negative && loss_.hardness != Hardness::kInBatchNegatives;
    visit(begin, own, others);
    visit(own, own + 1, masks_own ? 0.0f : hardens_own ? hardened : loss_.scale);
    begin = own + 1;
  }
  visit(begin, count, others);
}

double RankingObjective::row_loss(const ScoreRow& row) {
  const kernels::SoftmaxKernels& softmax = kernels::softmax_kernels();
  const std::vector<ScoreTerm>& terms = layout().terms();
  // Terms of one softmax: all of them, or each its own.
  const std::size_t partitions = loss_.per_direction ? terms.size() : 1;
  const std::size_t terms_in_one = terms.size() / partitions;
  const std::size_t positive = terms[0].column + row.row;
  const float* positive_scale = candidate_scale(row.prefix, terms[0]);
  const float positive_logit = row.products[positive] * (loss_.scale * row_scale(row.prefix, terms[0], row.row) *
                                                         (positive_scale == nullptr ? 1.0f : positive_scale[row.row]));
  double log_sums = 0.0;

  for (std::size_t first = 0; first < terms.size(); first += terms_in_one) {
    const auto visit_all = [&](auto&& visit) {
      for (std::size_t t = first; t < first + terms_in_one; ++t) {
        visit_runs(t, row.row,
                   [&](std::size_t begin, std::size_t end, float factor) { visit(terms[t], begin, end, factor); });
      }
    };
    const auto scale_at = [&](const ScoreTerm& term, std::size_t begin) {
      const float* scale = candidate_scale(row.prefix, term);
      return scale == nullptr ? nullptr : scale + begin;
    };
    float shift = logit_bound_;
    if (shift > kMostShift) {
      shift = -std::numeric_limits<float>::infinity();
      visit_all([&](const ScoreTerm& term, std::size_t begin, std::size_t end, float factor) {
        if (factor == 0.0f) return;
        shift = std::max(shift, softmax.largest(row.products + term.column + begin, scale_at(term, begin),
                                                factor * row_scale(row.prefix, term, row.row), end - begin));
      });
    }
    float sum = 0.0f;
    visit_all([&](const ScoreTerm& term, std::size_t begin, std::size_t end, float factor) {
      float* out = row.slopes + term.column + begin;
      if (factor == 0.0f) {
        std::fill_n(out, end - begin, 0.0f);
        return;
      }
      sum += softmax.exponentials(row.products + term.column + begin, scale_at(term, begin),
                                  factor * row_scale(row.prefix, term, row.row), shift, end - begin, out);
    });
    log_sums += static_cast<double>(shift) + static_cast<double>(std::log(sum));
    if (first == 0) row.slopes[positive] -= static_cast<float>(partitions) * sum;
    const float factor = loss_.scale / (static_cast<float>(layout().batch()) * static_cast<float>(partitions) * sum);
    std::fill_n(row.factors + first, terms_in_one, factor);
  }
  return (log_sums / static_cast<double>(partitions) - static_cast<double>(positive_logit)) /
         static_cast<double>(layout().batch());
}

}  // namespace

Result<std::unique_ptr<Objective>> make_multiple_negatives_ranking_loss(const Settings& settings,
                                                                        const ObjectiveContext& context) {
  SettingsReader read(settings);
  RankingLoss loss;
  loss.scale = read.positive("scale");
  loss.similarity = read.choice<Similarity>("similarity", {{"cosine", Similarity::kCosine}, {"dot", Similarity::kDot}});
  loss.directions = 0;
  for (const Direction direction : read.choices<Direction>("directions", {{"query_to_doc", kQueryToDoc},
                                                                          {"query_to_query", kQueryToQuery},
                                                                          {"doc_to_query", kDocToQuery},
                                                                          {"doc_to_doc", kDocToDoc}})) {
    loss.directions |= direction;
  }
  loss.per_direction = read.flag("perDirection");
  loss.hardness = read.choice<Hardness>("hardnessMode", {{"none", Hardness::kNone},
                                                         {"in_batch_negatives", Hardness::kInBatchNegatives},
                                                         {"hard_negatives", Hardness::kHardNegatives},
                                                         {"all_negatives", Hardness::kAllNegatives}});
  loss.hardness_strength = read.not_negative("hardnessStrength");
  loss.mask_duplicates = read.flag("maskDuplicates");
  if (!read.status().is_ok()) return read.status();
  if ((loss.directions & kQueryToDoc) == 0) return invalid("directions must include query_to_doc");
  if (loss.per_direction && (loss.directions & (kQueryToQuery | kDocToDoc)) != 0) {
    return invalid("per_direction allows query_to_doc and doc_to_query only: the others never meet the positive");
  }
  return std::unique_ptr<Objective>(new RankingObjective(loss, context));
}

}  // namespace stillvec::training
