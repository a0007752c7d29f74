#include "training/objectives/hardest_pairs_objective.h"

#include <algorithm>

#include "runtime/thread_pool.h"

namespace stillvec::training {

using kernels::blocks_for;

HardestPairsObjective::HardestPairsObjective(Score score, const PairMetric& metric, const ObjectiveContext& context)
    : pool_(context.pool),
      unit_(context.products.unit),
      metric_(metric),
      products_(score, context),
      texts_(context),
      scratch_(context.pool.size()) {
  for (Scratch& scratch : scratch_) {
    for (Buffer<float>* row : {&scratch.view, &scratch.other_view, &scratch.gradient}) row->reserve(context.dim);
  }
}

double HardestPairsObjective::run(const Batch& batch, const std::vector<Prefix>& prefixes,
                                  const ShallStop& shall_stop) {
  prefixes_ = prefixes;
  columns_ = lay_out_columns(prefixes, unit_);
  if (batch.layout != scores_.texts()) {
    ScoreLayout scores(batch.layout);
    scores.add_side(0, {candidates(batch.layout)});
    scores_ = std::move(scores);
  }
  products_.begin(batch, scores_, columns_);
  texts_.begin(batch, prefixes);
  for_texts([&](std::size_t text, unsigned) { texts_.measure(text); });
  begin(batch);

  choose_pairs(shall_stop);
  if (shall_stop && shall_stop()) return 0.0;
  links_.resize(prefixes.size() * scores_.batch() * 4);
  first_links_.assign(prefixes.size() * (batch.layout.text_rows() + 2), 0);
  pool_.parallel_for(prefixes.size(), [&](std::size_t prefix, unsigned) { link_texts(prefix); });
  for_texts([&](std::size_t text, unsigned slot) { collect_gradient(text, scratch_[slot]); });

  double loss = 0.0;
  for (const double row : losses_) loss += row;
  return loss;
}

void HardestPairsObjective::choose_pairs(const ShallStop& shall_stop) {
  const std::size_t batch = scores_.batch(), tile_rows = products_.tile_rows();
  pairs_.resize(prefixes_.size() * batch * 2);
  losses_.assign(batch, 0.0);
  for (Scratch& scratch : scratch_) {
    scratch.products.reserve(prefixes_.size() * products_.tile_size());
    scratch.scores.reserve(scores_.width());
  }
  pool_.parallel_for(blocks_for(batch, tile_rows), [&](std::size_t tile, unsigned slot) {
    if (shall_stop && shall_stop()) return;
    Scratch& scratch = scratch_[slot];
    const std::size_t first_row = tile * tile_rows, rows = std::min(tile_rows, batch - first_row);
    products_.multiply_tile(first_row, scratch.products.data());
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t p = 0; p < prefixes_.size(); ++p) {
        const float* products = scratch.products.data() + p * products_.tile_size() + r * products_.stride();
        losses_[first_row + r] += pair_row(first_row + r, p, products, scratch);
      }
    }
  });
}

double HardestPairsObjective::pair_row(std::size_t row, std::size_t prefix, const float* products, Scratch& scratch) {
  const ScoreTerm& term = scores_.terms().front();
  const std::size_t anchor = scores_.texts().first_text(0) + row, dim = prefixes_[prefix].dim;
  products_.scores_of(prefix, row, term, products, scratch.scores.data());
  const Choice choice = choose(row, {scratch.scores.data(), term.count});
  const std::array<std::size_t, 2> others = {term.first_text + choice.positive, term.first_text + choice.negative};
  PairValues values = {};
  const float* view = texts_.view(anchor, prefix, scratch.view.data());
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (others[i] == anchor) continue;
    values[i] = metric_.measure(view, texts_.view(others[i], prefix, scratch.other_view.data()), dim);
  }
  const double share = static_cast<double>(prefixes_[prefix].weight) / static_cast<double>(scores_.batch());
  const double loss = share * row_loss(values);
  Link* pairs = pairs_.data() + (prefix * scores_.batch() + row) * others.size();
  for (std::size_t i = 0; i < others.size(); ++i) {
    const float slope = others[i] == anchor ? 0.0f : static_cast<float>(share * values[i]);
    pairs[i] = {static_cast<std::uint32_t>(others[i]), slope};
  }
  return loss;
}

// A counting sort of both ends of the pairs that have a slope.
void HardestPairsObjective::link_texts(std::size_t prefix) {
  const std::size_t texts = scores_.texts().text_rows(), count = 2 * scores_.batch();
  const Link* pairs = pairs_.data() + prefix * count;
  Link* links = links_.data() + prefix * 2 * count;
  std::uint32_t* first = first_links_.data() + prefix * (texts + 2);
  const auto for_ends = [&](const auto& visit) {
    for (std::size_t i = 0; i < count; ++i) {
      if (pairs[i].slope == 0.0f) continue;
      const auto anchor = static_cast<std::uint32_t>(scores_.texts().first_text(0) + i / 2);
      visit(anchor, pairs[i]);
      visit(pairs[i].other, Link{anchor, pairs[i].slope});
    }
  };
  for_ends([&](std::uint32_t text, const Link&) { ++first[text + 2]; });
  for (std::size_t text = 2; text < texts + 2; ++text) first[text] += first[text - 1];
  for_ends([&](std::uint32_t text, const Link& link) { links[first[text + 1]++] = link; });
}

void HardestPairsObjective::collect_gradient(std::size_t text, Scratch& scratch) {
  const std::size_t texts = scores_.texts().text_rows();
  texts_.clear_gradient(text);
  for (std::size_t p = 0; p < prefixes_.size(); ++p) {
    const std::uint32_t* first = first_links_.data() + p * (texts + 2) + text;
    if (first[0] == first[1]) continue;
    const float* view = texts_.view(text, p, scratch.view.data());
    float* gradient = texts_.view_gradient(text, p, scratch.gradient.data());
    for (std::uint32_t i = first[0]; i < first[1]; ++i) {
      const Link& link = links_[p * scores_.batch() * 4 + i];
      metric_.add_gradient(static_cast<double>(link.slope), view, texts_.view(link.other, p, scratch.other_view.data()),
                           prefixes_[p].dim, gradient, nullptr);
    }
    texts_.add_back(text, p, view, gradient);
  }
}

template <typename Work>
void HardestPairsObjective::for_texts(const Work& work) {
  constexpr std::size_t kChunk = 16;
  const TextLayout& layout = scores_.texts();
  const std::size_t texts = layout.columns * layout.size;
  pool_.parallel_for(blocks_for(texts, kChunk), [&](std::size_t chunk, unsigned slot) {
    for (std::size_t i = chunk * kChunk; i < std::min(texts, (chunk + 1) * kChunk); ++i) {
      work(layout.first_text(i / layout.size) + i % layout.size, slot);
    }
  });
}

}  // namespace stillvec::training
