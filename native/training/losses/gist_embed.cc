#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/rows/rows.h"
#include "kernels/softmax/softmax.h"
#include "runtime/thread_pool.h"
#include "training/losses/losses.h"
#include "training/objectives/score_objective.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// Far below any logit, and so with an exponential of 0.
constexpr float kMasked = -1e30f;

struct GistEmbed {
  float temperature = 0.01f;
  bool is_relative = false;
  float margin = 0.0f;
  bool contrasts_anchors = true;
  bool contrasts_positives = true;
};

// Cross-entropy of ranking each anchor's positive above the other documents, the other anchors and, for the positive,
// the other positives, without those that the guide finds more alike than anchor and positive (Solatorio 2024,
// arXiv:2402.16829).
class GistEmbedLoss final : public ScoreObjective {
 public:
  GistEmbedLoss(const GistEmbed& loss, const ObjectiveContext& context)
      : ScoreObjective(Score::kCosine, context),
        loss_(loss),
        guide_(context.guide),
        operands_(context.pool, context.products),
        guide_scores_(context.pool.size()) {}

  Status check(const Source& source) const override {
    if (Status status = expect_columns(source, 2, SIZE_MAX, "GISTEmbedLoss"); !status.is_ok()) return status;
    const bool has_guide = guide_ < source.guides.size() && source.guides[guide_].size() == source.columns.size();
    if (!has_guide) return {Code::kInvalidArgument, "GISTEmbedLoss needs a guide's embeddings of every column"};
    const std::size_t width = source.guides[guide_].front().width;
    for (const RowValues& column : source.guides[guide_]) {
      if (width > 0 && column.width == width && column.values.size() == width * source.rows()) continue;
      return {Code::kInvalidArgument, "the guide's embeddings are not one a text, of one width"};
    }
    return Status::ok();
  }
  std::size_t least_rows() const override { return 2; }

 private:
  void lay_out(ScoreLayout& scores) const override {
    const TextRun documents = {0, scores.documents()}, anchors = {scores.texts().first_text(0), scores.batch()};
    if (loss_.contrasts_anchors) {
      scores.add_side(0, {documents, anchors});
    } else {
      scores.add_side(0, {documents});
    }
    if (loss_.contrasts_positives) scores.add_side(1, {{0, scores.batch()}});
  }

  // The guide's embeddings of the batch, scaled to length one, so that their products are cosines.
  void begin(const Batch& batch) override {
    constexpr std::size_t kChunk = 64;
    const std::vector<RowValues>& columns = batch.source->guides[guide_];
    const std::size_t width = columns.front().width, rows = batch.layout.size;
    const kernels::RowKernels& kernels = kernels::row_kernels();
    texts_.reserve(batch.layout.text_rows() * width);
    pool_.parallel_for(kernels::blocks_for(columns.size() * rows, kChunk), [&](std::size_t chunk, unsigned) {
      for (std::size_t i = chunk * kChunk; i < std::min((chunk + 1) * kChunk, columns.size() * rows); ++i) {
        float* out = texts_.data() + (batch.layout.first_text(i / rows) + i % rows) * width;
        std::memcpy(out, columns[i / rows].row(batch.rows[i % rows]), width * sizeof(float));
        const float norm = std::sqrt(kernels.squared_norm(out, width));
        if (norm > 0.0f) kernels.divide(norm, width, out);
      }
    });
    columns_ = lay_out_columns({{width, 1.0f}}, products_.unit);
    operands_.pack_forward(texts_.data(), width, layout(), columns_);
    for (Buffer<float>& scores : guide_scores_) scores.reserve(products_.tile_rows * layout().width());
  }

  void begin_tile(std::size_t first_row, unsigned slot) override {
    operands_.multiply(0, first_row, nullptr, guide_scores_[slot].data(), layout().width());
  }

  double row_loss(const ScoreRow& row) override {
    const kernels::SoftmaxKernels& softmax = kernels::softmax_kernels();
    const float* guide = guide_scores_[row.slot].data() + row.tile_row * layout().width();
    const std::vector<ScoreTerm>& terms = layout().terms();
    const std::size_t positive = terms.front().column + row.row;
    const float own = guide[positive];
    const float most = own - (loss_.is_relative ? std::abs(own) * loss_.margin : loss_.margin);
    const float scale = 1.0f / loss_.temperature;

    float shift = kMasked, positive_logit = 0.0f;
    for (const ScoreTerm& term : terms) {
      const float* products = row.products + term.column;
      const float* candidates = candidate_scale(row.prefix, term);
      const float* guided = guide + term.column;
      const float factor = scale * row_scale(row.prefix, term, row.row);
      float* logits = row.slopes + term.column;
      if (&term == &terms.front()) positive_logit = products[row.row] * (factor * candidates[row.row]);
      for (std::size_t j = 0; j < term.count; ++j) {
        const float logit = products[j] * (factor * candidates[j]);
        logits[j] = guided[j] > most ? kMasked : logit;
      }
      if (&term == &terms.front()) logits[row.row] = positive_logit;
      shift = std::max(shift, softmax.largest(logits, nullptr, 1.0f, term.count));
    }
    float sum = 0.0f;
    for (const ScoreTerm& term : terms) {
      float* logits = row.slopes + term.column;
      sum += softmax.exponentials(logits, nullptr, 1.0f, shift, term.count, logits);
    }
    row.slopes[positive] -= sum;
    std::fill_n(row.factors, terms.size(), scale / (static_cast<float>(layout().batch()) * sum));
    return (static_cast<double>(shift) + static_cast<double>(std::log(sum)) - static_cast<double>(positive_logit)) /
           static_cast<double>(layout().batch());
  }

  const GistEmbed loss_;
  const std::size_t guide_;  // its place in a source
  ColumnLayout columns_;     // of the guide's embeddings
  Buffer<float> texts_;
  ScoreOperands operands_;
  std::vector<Buffer<float>> guide_scores_;  // one a thread: of a tile
};

}  // namespace

Result<std::unique_ptr<Objective>> make_gist_embed_loss(const Settings& settings, const ObjectiveContext& context) {
  SettingsReader read(settings);
  GistEmbed loss;
  loss.temperature = read.positive("temperature");
  loss.is_relative = read.choice<bool>("marginStrategy", {{"absolute", false}, {"relative", true}});
  loss.margin = read.number("margin");
  loss.contrasts_anchors = read.flag("contrastAnchors");
  loss.contrasts_positives = read.flag("contrastPositives");
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(new GistEmbedLoss(loss, context));
}

}  // namespace stillvec::training
