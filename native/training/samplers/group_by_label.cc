#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "training/samplers/sampler.h"
#include "training/samplers/shuffle.h"

namespace stillvec::training {
namespace {

// Pairs of rows of one class, class by class in a random order, round after round until fewer than two classes have a
// pair left: every batch has at least two classes with two rows each, which triplets from within a batch need.
class GroupByLabel final : public Sampler {
 public:
  static constexpr std::size_t kLeastRows = 4;

  // `rows` are sorted by class; class k has those up to `ends[k]`.
  GroupByLabel(std::vector<std::uint32_t> rows, std::vector<std::uint32_t> ends, const SamplerConfig& config)
      : rows_(std::move(rows)), ends_(std::move(ends)), config_(config) {}

  bool draw(std::uint64_t epoch, Batches& out, const ShallStop& shall_stop) const override {
    out.clear();
    std::vector<std::uint32_t> rows = rows_;
    std::vector<Left> left;
    Random random(config_.seed + epoch);
    for (std::size_t k = 0, begin = 0; k < ends_.size(); begin = ends_[k++]) {
      shuffle(std::span(rows).subspan(begin, ends_[k] - begin), random);
      left.push_back({begin, ends_[k]});
    }
    std::size_t last = 0;
    while (left.size() >= 2) {
      if (shall_stop && shall_stop()) return false;
      shuffle(std::span(left), random);
      // A batch may begin with the last pair of a round: the next pair is of another class.
      if (left.front().end == last) std::swap(left.front(), left[1 + random.below(left.size() - 1)]);
      last = left.back().end;
      for (Left& of_class : left) {
        out.rows.push_back(rows[of_class.next++]);
        out.rows.push_back(rows[of_class.next++]);
        if (out.open_size() == config_.batch_size) out.close();
      }
      std::erase_if(left, [](const Left& of_class) { return of_class.end - of_class.next < 2; });
    }
    if (out.open_size() >= least_batch()) out.close();
    out.discard();
    return true;
  }

  std::size_t count(std::uint64_t, const ShallStop&) const override {
    std::vector<std::size_t> pairs;
    for (std::size_t k = 0, begin = 0; k < ends_.size(); begin = ends_[k++]) pairs.push_back((ends_[k] - begin) / 2);
    std::ranges::nth_element(pairs, pairs.begin() + 1, std::greater());
    const std::size_t rounds = pairs[1];
    std::size_t rows = 0;
    for (const std::size_t of_class : pairs) rows += 2 * std::min(of_class, rounds);
    const std::size_t last = rows % config_.batch_size;
    return rows / config_.batch_size + (last > 0 && last >= least_batch() ? 1 : 0);
  }

 private:
  // The rows of a class that no batch has taken.
  struct Left {
    std::size_t next, end;
  };

  std::size_t least_batch() const { return std::max(kLeastRows, config_.least_batch()); }

  const std::vector<std::uint32_t> rows_, ends_;
  const SamplerConfig config_;
};

Status invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

}  // namespace

Result<std::unique_ptr<Sampler>> make_group_by_label(Source& source, const SamplerConfig& config) {
  if (config.batch_size < GroupByLabel::kLeastRows || config.batch_size % 2 != 0) {
    return invalid(
        "expected an even number of at least 4 for batchSize, since batchSampler 'group_by_label' takes pairs, "
        "but received " +
        std::to_string(config.batch_size));
  }
  const RowValues& labels = source.labels;
  if (labels.width != 1) {
    return invalid(
        "expected a class (a number) for label, since batchSampler 'group_by_label' groups rows by it, but "
        "received " +
        (labels.width == 0 ? "none" : std::to_string(labels.width) + " numbers a row"));
  }
  std::vector<std::uint32_t> rows(source.rows());
  std::iota(rows.begin(), rows.end(), 0u);
  const auto class_of = [&](std::uint32_t row) { return labels.values[row]; };
  const auto no_number = std::ranges::find_if(rows, [&](std::uint32_t row) { return std::isnan(class_of(row)); });
  if (no_number != rows.end()) {
    return invalid("expected a class (a number) for label but received NaN in row " + std::to_string(*no_number));
  }
  std::ranges::stable_sort(rows, {}, class_of);

  // Only classes with a pair count.
  std::vector<std::uint32_t> ends;
  std::size_t kept = 0;
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && class_of(rows[end]) == class_of(rows[begin])) ++end;
    if (end - begin < 2) continue;
    std::copy(rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.begin() + static_cast<std::ptrdiff_t>(end),
              rows.begin() + static_cast<std::ptrdiff_t>(kept));
    kept += end - begin;
    ends.push_back(static_cast<std::uint32_t>(kept));
  }
  rows.resize(kept);
  if (ends.size() < 2) {
    return invalid(
        "expected two or more classes of at least two rows each for label, since batchSampler 'group_by_label' "
        "takes pairs of rows of a class, but received " +
        std::to_string(ends.size()));
  }
  return std::unique_ptr<Sampler>(std::make_unique<GroupByLabel>(std::move(rows), std::move(ends), config));
}

}  // namespace stillvec::training
