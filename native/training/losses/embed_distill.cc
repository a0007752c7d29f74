#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "runtime/thread_pool.h"
#include "training/linear.h"
#include "training/losses/losses.h"
#include "training/objectives/pair_metric.h"
#include "training/objectives/prefix_texts.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kRowsPerChunk = 16;

// Of a row: the teacher's embedding of each text, or one for all of them.
Status expect_teacher(const Source& source, std::size_t dim) {
  constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
  if (Status status = expect_columns(source, 1, kAnyNumber, "EmbedDistillLoss"); !status.is_ok()) return status;
  if (source.labels.width == source.columns.size() * dim) return Status::ok();
  return expect_labels(source, dim, "EmbedDistillLoss");
}

const float* teacher_of(const Batch& batch, std::size_t row, std::size_t column, std::size_t dim) {
  return batch.labels(row) + (batch.source->labels.width > dim ? column * dim : 0);
}

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

  Status check(const Source& source) const override { return expect_teacher(source, dim_); }

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
    double loss = 0.0;
    for (std::size_t c = 0; c < layout.columns; ++c) {
      const std::size_t text = layout.first_text(c) + row;
      const float* teacher = teacher_of(batch, row, c, dim_);
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

// The same of W text + b, which learns to take the model's embeddings to the teacher's (Sentence Transformers'
// projection_dim).
class ProjectedDistillObjective final : public Objective {
 public:
  ProjectedDistillObjective(const ObjectiveContext& context, const PairMetric& distance, std::size_t teacher_dim)
      : pool_(context.pool),
        dim_(context.dim),
        teacher_dim_(teacher_dim),
        distance_(distance),
        projection_(context.pool, context.dim, teacher_dim, context.seed) {}

  Status check(const Source& source) const override { return expect_teacher(source, teacher_dim_); }

  double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) override {
    const TextLayout& layout = batch.layout;
    const std::size_t count = layout.columns * layout.size;
    const double share = static_cast<double>(prefixes.back().weight) / static_cast<double>(count);
    rows_.resize(count);
    for (std::size_t text = 0; text < count; ++text) {
      rows_[text] = static_cast<std::uint32_t>(layout.first_text(text / layout.size) + text % layout.size);
    }
    projected_.reserve(count * teacher_dim_);
    projected_gradient_.reserve(count * teacher_dim_);
    gradient_.reserve(layout.text_rows() * dim_);
    losses_.resize(count);
    projection_.forward(batch.texts, rows_, projected_.data());
    pool_.parallel_for(kernels::blocks_for(count, kRowsPerChunk), [&](std::size_t chunk, unsigned) {
      const std::size_t end = std::min(count, (chunk + 1) * kRowsPerChunk);
      for (std::size_t text = chunk * kRowsPerChunk; text < end; ++text) {
        const float* projected = projected_.data() + text * teacher_dim_;
        const float* teacher = teacher_of(batch, text % layout.size, text / layout.size, teacher_dim_);
        float* gradient = projected_gradient_.data() + text * teacher_dim_;
        std::fill_n(gradient, teacher_dim_, 0.0f);
        losses_[text] = distance_.measure(projected, teacher, teacher_dim_);
        distance_.add_gradient(share, projected, teacher, teacher_dim_, gradient, nullptr);
      }
    });
    if (shall_stop && shall_stop()) return 0.0;
    projection_.backward(batch.texts, rows_, projected_gradient_.data(), gradient_.data());
    double sum = 0.0;
    for (const double loss : losses_) sum += loss;
    return share * sum;
  }

  TextGradients gradients() override { return {gradient_.data(), dim_, dim_}; }
  Parameters* parameters() override { return &projection_.parameters(); }

 private:
  ThreadPool& pool_;
  const std::size_t dim_, teacher_dim_;
  const PairMetric& distance_;
  Linear projection_;
  std::vector<std::uint32_t> rows_;               // where the texts stand, column by column
  Buffer<float> projected_, projected_gradient_;  // texts x teacher_dim
  Buffer<float> gradient_;                        // as the texts of the batch
  std::vector<double> losses_;                    // one a text
};

}  // namespace

Result<std::unique_ptr<Objective>> make_embed_distill_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  const PairMetric* distance = read.choice<const PairMetric*>(
      "distanceMetric",
      {{"cosine", &metrics::kCosineDistance}, {"l2", &metrics::kEuclidean}, {"mse", &metrics::kSquaredMean}});
  const std::size_t projection_dim = read.count("projectionDim");
  if (!read.status().is_ok()) return read.status();
  if (projection_dim == 0) return std::unique_ptr<Objective>(new EmbedDistillObjective(context, *distance));
  if (context.normalizes) {
    return Status{Code::kInvalidArgument,
                  "expected no projectionDim under MatryoshkaLoss: a projection takes the whole embedding"};
  }
  return std::unique_ptr<Objective>(new ProjectedDistillObjective(context, *distance, projection_dim));
}

}  // namespace stillvec::training
