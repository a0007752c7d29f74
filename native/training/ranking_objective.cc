#include "training/ranking_objective.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "kernels/rows/rows.h"
#include "kernels/softmax/softmax.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {

using kernels::blocks_for;
using kernels::kBlockRows;
using kernels::kBlockSize;
using kernels::kBlockUnits;
using kernels::kPanelBlock;
using kernels::kPanelColumns;

namespace {

// Added to row strides that are else near a multiple of 4 KiB, where the rows of a tile would share one set of L1.
constexpr std::size_t kSkew = 16;

// Where no logit is above this, exponentials may be taken of the distance to the bound: those of logits that far below
// zero are still normal numbers, so the largest logit need not be found first.
constexpr float kMostShift = 40.0f;

// The slab of H: as large as the gradient that it is added to, so that it is not added in too many pieces, within
// limits.
constexpr std::size_t kLeastSlabBytes = 32u << 20, kMostSlabBytes = 96u << 20;

// As torch's normalize: below this length a direction is not defined.
constexpr double kLeastNorm = 1e-12;

}  // namespace

Result<std::unique_ptr<Objective>> make_ranking_objective(const Settings& settings, const ObjectiveContext& context) {
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
  if (!read.status().is_ok()) return read.status();
  if ((loss.directions & kQueryToDoc) == 0) {
    return Status{Code::kInvalidArgument, "directions must include query_to_doc"};
  }
  if (loss.per_direction && (loss.directions & (kQueryToQuery | kDocToDoc)) != 0) {
    return Status{Code::kInvalidArgument,
                  "per_direction allows query_to_doc and doc_to_query only: the others never meet the positive"};
  }
  return std::unique_ptr<Objective>(new RankingObjective(loss, context));
}

RankingObjective::RankingObjective(const RankingLoss& loss, const ObjectiveContext& context)
    : pool_(context.pool),
      loss_(loss),
      unit_norm_(context.normalizes || loss.similarity == Similarity::kCosine),
      dim_(context.dim),
      products_(context.products),
      logit_bound_(unit_norm_ ? loss.scale + (loss.hardness == Hardness::kNone ? 0.0f : loss.hardness_strength)
                              : std::numeric_limits<float>::infinity()),
      tile_rows_(products_.tile_rows),
      tile_blocks_(products_.tile_rows / kBlockRows),
      scratch_(pool_.size()) {}

Status RankingObjective::check(const Source& source) const {
  if (source.columns.size() >= 2) return Status::ok();
  return {Code::kInvalidArgument, "a ranking loss needs at least two columns"};
}

double RankingObjective::run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) {
  const auto stops = [&] { return shall_stop && shall_stop(); };
  texts_ = batch.texts;
  prefixes_ = prefixes;
  layout_ = lay_out_columns(prefixes, products_.unit);
  lay_out(batch.layout);
  if (unit_norm_) measure_norms();
  pack();

  const std::size_t row_bytes = score_width_ * prefixes_.size() * sizeof(std::uint32_t) / products_.unit;
  const std::size_t slab_bytes =
      std::clamp(text_rows_ * gradient_stride() * sizeof(float), kLeastSlabBytes, kMostSlabBytes);
  const std::size_t tiles = blocks_for(batch_, tile_rows_);
  const std::size_t most_tiles = std::max<std::size_t>(1, slab_bytes / (row_bytes * tile_rows_));
  const std::size_t slabs = blocks_for(tiles, most_tiles);
  const std::size_t slab_tiles = blocks_for(tiles, slabs);
  slab_.reserve(slab_tiles * tile_rows_ * row_bytes / sizeof(std::uint32_t));
  slab_sums_.reserve(slab_tiles * prefixes_.size() * score_width_);
  column_sums_.reserve(prefixes_.size() * score_width_);
  column_sums_.fill_zero(prefixes_.size() * score_width_);

  for (std::size_t tile = 0; tile < tiles; tile += slab_tiles) {
    Slab slab;
    slab.first_row = tile * tile_rows_;
    slab.rows = std::min(slab_tiles * tile_rows_, batch_ - slab.first_row);
    slab.first = tile == 0;
    const std::size_t count = blocks_for(slab.rows, tile_rows_);
    pool_.parallel_for(count, [&](std::size_t i, unsigned slot) {
      if (!stops()) run_tile(slab, i, scratch_[slot]);
    });
    pool_.parallel_for(candidate_panels_, [&](std::size_t panel, unsigned) {
      if (!stops()) run_panel(slab, panel);
    });
  }
  if (stops()) return 0.0;
  pool_.parallel_for(candidate_panels_, [&](std::size_t panel, unsigned slot) { finish_panel(panel, scratch_[slot]); });

  double loss = 0.0;
  for (double row : losses_) loss += row;
  return loss / static_cast<double>(batch_);
}

std::size_t RankingObjective::panel_count(std::size_t panel) const {
  const std::size_t first = panel * kPanelColumns;
  return std::min(kPanelColumns,
                  panel < document_panels_ ? documents_ - first : document_panels_ * kPanelColumns + batch_ - first);
}

void RankingObjective::lay_out(const TextLayout& texts) {
  const std::size_t prefixes = prefixes_.size();
  const std::size_t batch = texts.size;
  if (texts != text_layout_) {
    text_layout_ = {};  // until all is laid out
    batch_ = batch;
    documents_ = (texts.columns - 1) * batch;
    text_rows_ = texts.text_rows();
    const std::size_t anchors = texts.first_text(0);
    const unsigned directions = loss_.directions;
    const bool anchors_are_candidates = (directions & (kQueryToQuery | kDocToQuery)) != 0;
    document_panels_ = blocks_for(documents_, kPanelColumns);
    const std::size_t anchor_panels = anchors_are_candidates ? blocks_for(batch, kPanelColumns) : 0;
    candidate_panels_ = document_panels_ + anchor_panels;

    sides_.clear();
    terms_.clear();
    score_width_ = 0;
    const auto add_side = [&](std::size_t first, bool meets_documents, Direction with_documents, bool meets_anchors,
                              Direction with_anchors) {
      Side side;
      side.first_text = first;
      side.are_candidates = first < documents_ || anchors_are_candidates;
      side.panel = meets_documents ? 0 : document_panels_;
      side.panels = (meets_documents ? document_panels_ : 0) + (meets_anchors ? anchor_panels : 0);
      side.column = score_width_;
      if (meets_documents) terms_.push_back({with_documents, sides_.size(), 0, documents_, score_width_});
      if (meets_anchors) {
        const std::size_t column = score_width_ + (meets_documents ? document_panels_ * kPanelColumns : 0);
        terms_.push_back({with_anchors, sides_.size(), anchors, batch, column});
      }
      score_width_ += side.panels * kPanelColumns;
      score_stride_ = score_width_ + kSkew;
      sides_.push_back(std::move(side));
    };
    add_side(anchors, true, kQueryToDoc, (directions & kQueryToQuery) != 0, kQueryToQuery);
    if ((directions & (kDocToQuery | kDocToDoc)) != 0) {
      add_side(0, (directions & kDocToDoc) != 0, kDocToDoc, (directions & kDocToQuery) != 0, kDocToQuery);
    }
    losses_.assign(batch, 0.0);
    text_layout_ = texts;
  }

  const std::size_t row_blocks = blocks_for(batch, tile_rows_) * tile_blocks_;
  const std::size_t batch_blocks = blocks_for(batch, kBlockUnits * products_.unit);
  for (Side& side : sides_) {
    side.rows.reserve(row_blocks * layout_.k_blocks * kBlockSize);
    side.columns.reserve(layout_.row_blocks * batch_blocks * kBlockSize);
    if (side.are_candidates) side.gradient.reserve(batch * gradient_stride());
  }
  inverse_norms_.reserve(prefixes * text_rows_);
  for (Scratch& scratch : scratch_) {
    scratch.products.reserve(prefixes * tile_rows_ * score_stride_);
    scratch.exponentials.reserve(score_width_);
    scratch.sums.reserve(score_width_);
    scratch.left.reserve(tile_rows_ * score_width_ / products_.unit);
    scratch.row_gradient.reserve(tile_rows_ * (layout_.panels * kPanelColumns + kSkew));
    scratch.row_sums.reserve(sides_.size() * tile_rows_ * prefixes);
    scratch.panel.reserve(layout_.row_blocks * kBlockRows * kPanelColumns);
  }
  candidates_forward_.reserve(candidate_panels_ * layout_.k_blocks * kPanelBlock);
  candidates_backward_.reserve(layout_.panels * candidate_panels_ * (kPanelColumns / products_.unit) * kPanelColumns);
  gradient_.reserve(text_rows_ * gradient_stride());
}

void RankingObjective::measure_norms() {
  constexpr std::size_t kChunk = 64;
  const kernels::RowKernels& rows = kernels::row_kernels();
  pool_.parallel_for(blocks_for(text_rows_, kChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(text_rows_, (chunk + 1) * kChunk);
    for (std::size_t text = chunk * kChunk; text < end; ++text) {
      const std::size_t anchors = document_panels_ * kPanelColumns;
      if (text < anchors ? text >= documents_ : text >= anchors + batch_) continue;
      double squared = 0.0;
      for (std::size_t p = 0; p < layout_.blocks.size(); ++p) {
        const ColumnBlock& block = layout_.blocks[p];
        squared += static_cast<double>(rows.squared_norm(texts_ + text * dim_ + block.begin, block.width));
        const double norm = std::sqrt(squared);
        inverse_norms_[p * text_rows_ + text] = norm < kLeastNorm ? 0.0f : static_cast<float>(1.0 / norm);
      }
    }
  });
}

void RankingObjective::pack() {
  const std::size_t unit = products_.unit;
  const std::size_t row_blocks = blocks_for(batch_, tile_rows_) * tile_blocks_;
  const std::size_t batch_blocks = blocks_for(batch_, kBlockUnits * unit);
  const std::size_t candidate_blocks = candidate_panels_ * kPanelColumns / (kBlockUnits * unit);

  // By texts: each side's rows, 16 at a time, and the candidates, 32 at a time.
  const std::size_t row_chunks = sides_.size() * row_blocks;
  pool_.parallel_for(row_chunks + candidate_panels_, [&](std::size_t chunk, unsigned) {
    if (chunk < row_chunks) {
      Side& side = sides_[chunk / row_blocks];
      const std::size_t row_block = chunk % row_blocks, row = row_block * kBlockRows;
      const std::size_t count = row < batch_ ? std::min(kBlockRows, batch_ - row) : 0;
      for (const ColumnBlock& block : layout_.blocks) {
        const std::size_t size = block.k_blocks * kBlockSize;
        std::uint32_t* packed = side.rows.data() + row_blocks * block.k_block * kBlockSize + row_block * size;
        if (count == 0) std::memset(packed, 0, size * sizeof(std::uint32_t));
        kernels::pack_left_rows(products_, texts_ + (side.first_text + row) * dim_ + block.begin, dim_, count,
                                block.width, packed, size);
      }
      return;
    }
    const std::size_t panel = chunk - row_chunks;
    for (const ColumnBlock& block : layout_.blocks) {
      const std::size_t size = block.k_blocks * kPanelBlock;
      kernels::pack_right_rows(
          products_, texts_ + panel * kPanelColumns * dim_ + block.begin, dim_, panel_count(panel), block.width,
          candidates_forward_.data() + candidate_panels_ * block.k_block * kPanelBlock + panel * size, size);
    }
  });

  // By columns: 32 of them, and k runs over all texts.
  pool_.parallel_for(layout_.panels, [&](std::size_t panel, unsigned) {
    std::size_t p = 0;
    while (panel >= layout_.blocks[p].panel + layout_.blocks[p].panels) ++p;
    const ColumnBlock& block = layout_.blocks[p];
    const std::size_t offset = (panel - block.panel) * kPanelColumns;
    const std::size_t width = std::min(kPanelColumns, block.width - offset);
    const float* columns = texts_ + block.begin + offset;

    std::uint32_t* packed = candidates_backward_.data() + panel * candidate_blocks * kPanelBlock;
    for (std::size_t first : {std::size_t{0}, document_panels_}) {
      if (first == candidate_panels_) continue;
      const std::size_t end = first == 0 ? document_panels_ : candidate_panels_;
      const std::size_t count = (end - first - 1) * kPanelColumns + panel_count(end - 1);
      const std::size_t begin_block = first * kPanelColumns / (kBlockUnits * unit);
      const std::size_t end_block = end * kPanelColumns / (kBlockUnits * unit);
      const std::size_t used_blocks = blocks_for(count, kBlockUnits * unit);
      kernels::pack_right_columns(products_, columns + first * kPanelColumns * dim_, dim_, width, count,
                                  packed + begin_block * kPanelBlock, 0);
      std::memset(packed + (begin_block + used_blocks) * kPanelBlock, 0,
                  (end_block - begin_block - used_blocks) * kPanelBlock * sizeof(std::uint32_t));
    }
    for (Side& side : sides_) {
      kernels::pack_left_columns(
          products_, columns + side.first_text * dim_, dim_, width, batch_,
          side.columns.data() + (block.row_block + offset / kBlockRows) * batch_blocks * kBlockSize,
          batch_blocks * kBlockSize);
    }
  });
}

// The products of rows [first_row, first_row + tile_rows_) of every side with its candidates, over the columns of
// `prefix`: those of the prefix before, which stand a tile before `products`, plus those of its block.
void RankingObjective::multiply_rows(std::size_t prefix, std::size_t first_row, float* products) {
  const ColumnBlock& block = layout_.blocks[prefix];
  const float* before = prefix == 0 ? nullptr : products - tile_rows_ * score_stride_;
  const std::size_t row_blocks = blocks_for(batch_, tile_rows_) * tile_blocks_;
  for (const Side& side : sides_) {
    const std::uint32_t* left = side.rows.data() + row_blocks * block.k_block * kBlockSize +
                                first_row / kBlockRows * block.k_blocks * kBlockSize;
    const std::uint32_t* right = candidates_forward_.data() + candidate_panels_ * block.k_block * kPanelBlock +
                                 side.panel * block.k_blocks * kPanelBlock;
    kernels::multiply_panels(products_, left, block.k_blocks * kBlockSize, tile_blocks_, right,
                             block.k_blocks * kPanelBlock, side.panels, block.k_blocks,
                             before == nullptr ? nullptr : before + side.column, products + side.column, score_stride_);
  }
}

// Calls visit(begin, end, factor) for runs of a term's candidates, where factor times the similarity is the logit, or 0
// for those that are masked. A text's own candidates (candidate c * batch + row of the documents, or `row` of the
// anchors) may be masked or weighed differently; each is then a run.
template <typename Visit>
void RankingObjective::visit_runs(const Term& term, std::size_t row, Visit&& visit) const {
  const bool is_hardened = term.direction == kQueryToDoc && loss_.hardness != Hardness::kNone;
  const bool masks_own = term.direction == kQueryToQuery || term.direction == kDocToDoc;
  if (!is_hardened && !masks_own) {
    visit(0, term.count, loss_.scale);
    return;
  }
  const float hardened = loss_.scale + loss_.hardness_strength;
  const float others = is_hardened && loss_.hardness != Hardness::kHardNegatives ? hardened : loss_.scale;
  std::size_t begin = 0;
  for (std::size_t own = row; own < term.count; own += batch_) {
    const bool is_hard_negative = own >= batch_;
    const bool hardens_own = is_hard_negative && loss_.hardness != Hardness::kInBatchNegatives;
    visit(begin, own, others);
    visit(own, own + 1, masks_own ? 0.0f : hardens_own ? hardened : loss_.scale);
    begin = own + 1;
  }
  visit(begin, term.count, others);
}

// Loss of one row at one prefix: adds U to the sums over the longer prefixes, which gives H in place of the products,
// and its part to the sums of U * products by row and by column.
void RankingObjective::soften_row(std::size_t prefix, std::size_t row, float* products, Scratch& scratch,
                                  float* column_sums, float* row_sums, std::size_t row_sum_stride) {
  const kernels::SoftmaxKernels& softmax = kernels::softmax_kernels();
  float* exponentials = scratch.exponentials.data();
  const auto column_scale = [&](const Term& term, std::size_t begin) {
    return unit_norm_ ? inverse_norms(prefix) + term.first_text + begin : nullptr;
  };
  const auto row_scale = [&](const Term& term) {
    return unit_norm_ ? inverse_norms(prefix)[sides_[term.side].first_text + row] : 1.0f;
  };
  // Terms of one softmax: all of them, or each its own.
  const std::size_t partitions = loss_.per_direction ? terms_.size() : 1;
  const std::size_t terms_in_one = terms_.size() / partitions;
  const float weight = prefixes_[prefix].weight;
  const std::size_t positive = terms_[0].column + row;
  const float positive_logit =
      products[positive] * (loss_.scale * row_scale(terms_[0]) * (unit_norm_ ? *column_scale(terms_[0], row) : 1.0f));
  double log_sums = 0.0;
  for (std::size_t side = 0; side < sides_.size(); ++side) row_sums[side * row_sum_stride] = 0.0f;

  for (std::size_t first = 0; first < terms_.size(); first += terms_in_one) {
    const std::span<const Term> terms(terms_.data() + first, terms_in_one);
    float shift = logit_bound_;
    if (shift > kMostShift) {
      shift = -std::numeric_limits<float>::infinity();
      for (const Term& term : terms) {
        visit_runs(term, row, [&](std::size_t begin, std::size_t end, float factor) {
          if (factor == 0.0f) return;
          shift = std::max(shift, softmax.largest(products + term.column + begin, column_scale(term, begin),
                                                  factor * row_scale(term), end - begin));
        });
      }
    }
    float sum = 0.0f;
    for (const Term& term : terms) {
      visit_runs(term, row, [&](std::size_t begin, std::size_t end, float factor) {
        float* out = exponentials + term.column + begin;
        if (factor == 0.0f) {
          std::fill_n(out, end - begin, 0.0f);
          return;
        }
        sum += softmax.exponentials(products + term.column + begin, column_scale(term, begin), factor * row_scale(term),
                                    shift, end - begin, out);
      });
    }
    log_sums += static_cast<double>(shift) + static_cast<double>(std::log(sum));
    if (first == 0) exponentials[positive] -= static_cast<float>(partitions) * sum;

    const float factor = weight * loss_.scale / (static_cast<float>(batch_) * static_cast<float>(partitions) * sum);
    for (const Term& term : terms) {
      row_sums[term.side * row_sum_stride] +=
          softmax.gradient(exponentials + term.column, column_scale(term, 0), factor * row_scale(term), term.count,
                           products + term.column, scratch.sums.data() + term.column, column_sums + term.column);
    }
  }
  losses_[row] +=
      static_cast<double>(weight) * (log_sums / static_cast<double>(partitions) - static_cast<double>(positive_logit));
}

void RankingObjective::run_tile(const Slab& slab, std::size_t tile, Scratch& scratch) {
  const std::size_t prefixes = prefixes_.size();
  const std::size_t first_row = slab.first_row + tile * tile_rows_;
  const std::size_t rows = std::min(tile_rows_, batch_ - first_row);
  const std::size_t tile_size = tile_rows_ * score_stride_;
  const std::size_t row_sum_stride = tile_rows_ * prefixes;
  float* column_sums = slab_sums_.data() + tile * prefixes * score_width_;
  std::memset(column_sums, 0, prefixes * score_width_ * sizeof(float));
  for (std::size_t row = first_row; row < first_row + rows; ++row) losses_[row] = 0.0;

  for (std::size_t p = 0; p < prefixes; ++p) multiply_rows(p, first_row, scratch.products.data() + p * tile_size);
  for (std::size_t r = 0; r < rows; ++r) {
    scratch.sums.fill_zero(score_width_);
    for (std::size_t p = prefixes; p-- > 0;) {
      soften_row(p, first_row + r, scratch.products.data() + p * tile_size + r * score_stride_, scratch,
                 column_sums + p * score_width_, scratch.row_sums.data() + r * prefixes + p, row_sum_stride);
    }
  }

  const std::size_t unit = products_.unit;
  const std::size_t slab_blocks = blocks_for(slab.rows, tile_rows_) * tile_rows_ / (kBlockUnits * unit);
  const std::size_t tile_k = tile * tile_rows_ / (kBlockUnits * unit);
  const std::size_t candidate_blocks = candidate_panels_ * kPanelColumns / (kBlockUnits * unit);
  const std::size_t row_stride = layout_.panels * kPanelColumns + kSkew;
  const kernels::RowKernels& row_kernels = kernels::row_kernels();
  for (std::size_t s = 0; s < sides_.size(); ++s) {
    Side& side = sides_[s];
    const std::size_t width = side.panels * kPanelColumns;
    const std::size_t k_blocks = width / (kBlockUnits * unit);
    const std::size_t first_block = side.panel * kPanelColumns / (kBlockUnits * unit);
    for (std::size_t p = prefixes; p-- > 0;) {
      const float* h = scratch.products.data() + p * tile_size + side.column;
      std::uint32_t* right =
          slab_.data() + (side.column / kPanelColumns * prefixes + p * side.panels) * slab_blocks * kPanelBlock;
      kernels::pack_right_columns(products_, h, score_stride_, width, tile_rows_, right + tile_k * kPanelBlock,
                                  slab_blocks * kPanelBlock);
      kernels::pack_left_rows(products_, h, score_stride_, tile_rows_, width, scratch.left.data(),
                              k_blocks * kBlockSize);
      const ColumnBlock& block = layout_.blocks[p];
      kernels::multiply_panels(
          products_, scratch.left.data(), k_blocks * kBlockSize, tile_blocks_,
          candidates_backward_.data() + (block.panel * candidate_blocks + first_block) * kPanelBlock,
          candidate_blocks * kPanelBlock, block.panels, k_blocks, nullptr,
          scratch.row_gradient.data() + block.panel * kPanelColumns, row_stride);
    }

    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t text = side.first_text + first_row + r;
      float* gradient = side.are_candidates ? side.gradient.data() + (first_row + r) * gradient_stride()
                                            : gradient_.data() + text * gradient_stride();
      float along = 0.0f;
      for (std::size_t p = prefixes; p-- > 0;) {
        const ColumnBlock& block = layout_.blocks[p];
        std::memcpy(gradient + block.begin, scratch.row_gradient.data() + r * row_stride + block.panel * kPanelColumns,
                    block.width * sizeof(float));
        if (!unit_norm_) continue;
        const float norm = inverse_norms(p)[text];
        along += scratch.row_sums[s * row_sum_stride + r * prefixes + p] * norm * norm;
        row_kernels.add_scaled(-along, texts_ + text * dim_ + block.begin, block.width, gradient + block.begin);
      }
    }
  }
}

void RankingObjective::run_panel(const Slab& slab, std::size_t panel) {
  const std::size_t prefixes = prefixes_.size();
  const std::size_t unit = products_.unit;
  const std::size_t tiles = blocks_for(slab.rows, tile_rows_);
  const std::size_t slab_blocks = tiles * tile_rows_ / (kBlockUnits * unit);
  const std::size_t used_blocks = blocks_for(slab.rows, kBlockUnits * unit);
  const std::size_t first_block = slab.first_row / (kBlockUnits * unit);
  const std::size_t batch_blocks = blocks_for(batch_, kBlockUnits * unit);
  float* out = gradient_.data() + panel * gradient_stride() * kPanelColumns;
  bool accumulate = !slab.first;
  for (const Side& side : sides_) {
    if (panel < side.panel || panel >= side.panel + side.panels) continue;
    for (std::size_t p = 0; p < prefixes; ++p) {
      const ColumnBlock& block = layout_.blocks[p];
      const std::uint32_t* right =
          slab_.data() +
          (side.column / kPanelColumns * prefixes + p * side.panels + panel - side.panel) * slab_blocks * kPanelBlock;
      const std::uint32_t* left = side.columns.data() + (block.row_block * batch_blocks + first_block) * kBlockSize;
      float* block_out = out + block.row_block * kBlockRows * kPanelColumns;
      kernels::multiply_panels(products_, left, batch_blocks * kBlockSize, block.row_blocks, right, 0, 1, used_blocks,
                               accumulate ? block_out : nullptr, block_out, kPanelColumns);
      float* sums = column_sums_.data() + p * score_width_ + side.column + (panel - side.panel) * kPanelColumns;
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        const float* part = slab_sums_.data() + tile * prefixes * score_width_ + (sums - column_sums_.data());
        for (std::size_t c = 0; c < kPanelColumns; ++c) sums[c] += part[c];
      }
    }
    accumulate = true;
  }
}

// Turns a panel's gradient from columns x texts to texts x columns, takes away what lies along each text, and adds what
// the same texts got as rows.
void RankingObjective::finish_panel(std::size_t panel, Scratch& scratch) {
  const std::size_t prefixes = prefixes_.size();
  const std::size_t stride = gradient_stride();
  const kernels::RowKernels& row_kernels = kernels::row_kernels();
  float* out = gradient_.data() + panel * stride * kPanelColumns;
  float* turned = scratch.panel.data();
  std::memcpy(turned, out, stride * kPanelColumns * sizeof(float));
  for (std::size_t c = 0; c < panel_count(panel); ++c) {
    const std::size_t text = panel * kPanelColumns + c;
    float* gradient = out + c * stride;
    float along = 0.0f;
    for (std::size_t p = prefixes; p-- > 0;) {
      const ColumnBlock& block = layout_.blocks[p];
      const float* source = turned + block.row_block * kBlockRows * kPanelColumns + c;
      for (std::size_t k = 0; k < block.width; ++k) gradient[block.begin + k] = source[k * kPanelColumns];
      if (!unit_norm_) continue;
      float sum = 0.0f;
      for (const Side& side : sides_) {
        if (panel < side.panel || panel >= side.panel + side.panels) continue;
        sum += column_sums_[p * score_width_ + side.column + (panel - side.panel) * kPanelColumns + c];
      }
      const float norm = inverse_norms(p)[text];
      along += sum * norm * norm;
      row_kernels.add_scaled(-along, texts_ + text * dim_ + block.begin, block.width, gradient + block.begin);
    }
    for (const Side& side : sides_) {
      if (text < side.first_text || text >= side.first_text + batch_) continue;
      row_kernels.add_scaled(1.0f, side.gradient.data() + (text - side.first_text) * stride, layout_.width, gradient);
    }
  }
}

}  // namespace stillvec::training
