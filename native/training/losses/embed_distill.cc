#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "runtime/thread_pool.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_metric.h"
#include "training/objectives/prefix_texts.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kRowsPerChunk = 16;

// mean over texts of d(text, teacher's embedding), with one embedding for all texts of a row or one a text; of a
// prefix, the first columns of the teacher's, as they are (Kim et al. 2023, arXiv:2301.12005).
class EmbedDistillObjective final : public Objective {
 public:
  EmbedDistillObjective(const ObjectiveContext& context, const PairMetric& distance)
      : pool_(context.pool), dim_(context.dim), distance_(distance), texts_(context), scratch_(context.pool.size()) {
    for (Scratch& scratch : scratch_) {
      scratch.view.reserve(dim_);
      scratch.gradient.reserve(dim_);
    }
  }

  Status check(const Source& source) const override {
    constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
    if (Status status = expect_columns(source, 1, kAnyNumber, "EmbedDistillLoss"); !status.is_ok()) return status;
    if (source.labels.width == source.columns.size() * dim_) return Status::ok();
    return expect_labels(source, dim_, "EmbedDistillLoss");
  }

  double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) override {
    texts_.begin(batch, prefixes);
    losses_.resize(batch.layout.size);
    pool_.parallel_for(kernels::blocks_for(batch.layout.size, kRowsPerChunk), [&](std::size_t chunk, unsigned slot) {
      if (shall_stop && shall_stop()) return;
      const std::size_t end = std::min(batch.layout.size, (chunk + 1) * kRowsPerChunk);
      for (std::size_t row = chunk * kRowsPerChunk; row < end; ++row) {
        losses_[row] = run_row(batch, prefixes, row, scratch_[slot]);
      }
    });
    double sum = 0.0;
    for (const double loss : losses_) sum += loss;
    return sum / static_cast<double>(batch.layout.size * batch.layout.columns);
  }

  TextGradients gradients() override { return texts_.gradients(); }

 private:
  struct Scratch {
    Buffer<float> view, gradient;
  };

  double run_row(const Batch& batch, const std::vector<Prefix>& prefixes, std::size_t row, Scratch& scratch) {
    const TextLayout& layout = batch.layout;
    const std::size_t teacher_stride = batch.source->labels.width > dim_ ? dim_ : 0;
    double loss = 0.0;
    for (std::size_t c = 0; c < layout.columns; ++c) {
      const std::size_t text = layout.first_text(c) + row;
      const float* teacher = batch.labels(row) + c * teacher_stride;
      texts_.measure(text);
      texts_.clear_gradient(text);
      for (std::size_t p = 0; p < prefixes.size(); ++p) {
        const double weight = static_cast<double>(prefixes[p].weight);
        const float* view = texts_.view(text, p, scratch.view.data());
        float* gradient = texts_.view_gradient(text, p, scratch.gradient.data());
        loss += weight * distance_.measure(view, teacher, prefixes[p].dim);
        distance_.add_gradient(weight / static_cast<double>(layout.size * layout.columns), view, teacher,
                               prefixes[p].dim, gradient, nullptr);
        texts_.add_back(text, p, view, gradient);
      }
    }
    return loss;
  }

  ThreadPool& pool_;
  const std::size_t dim_;
  const PairMetric& distance_;
  PrefixTexts texts_;
  std::vector<Scratch> scratch_;  // one a thread
  std::vector<double> losses_;    // one a row
};

}  // namespace

Result<std::unique_ptr<Objective>> make_embed_distill_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  const PairMetric* distance = read.choice<const PairMetric*>(
      "distanceMetric",
      {{"cosine", &metrics::kCosineDistance}, {"l2", &metrics::kEuclidean}, {"mse", &metrics::kSquaredMean}});
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new EmbedDistillObjective(context, *distance));
}

}  // namespace stillvec::training
