#include "training/objectives/pair_objective.h"

#include <algorithm>
#include <utility>

#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kRowsPerChunk = 16;

}  // namespace

PairObjective::PairObjective(const ObjectiveContext& context, const PairMetric& metric, std::unique_ptr<PairLoss> loss)
    : pool_(context.pool),
      dim_(context.dim),
      metric_(metric),
      loss_(std::move(loss)),
      texts_(context),
      scratch_(context.pool.size()) {}

double PairObjective::run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) {
  layout_ = batch.layout;
  prefixes_ = prefixes;
  texts_.begin(batch, prefixes);
  for (Scratch& scratch : scratch_) {
    scratch.views.reserve(layout_.columns * dim_);
    scratch.gradients.reserve(layout_.columns * dim_);
    scratch.view_of.resize(layout_.columns);
    scratch.gradient_of.resize(layout_.columns);
  }
  scores_.resize(prefixes.size() * layout_.size * (layout_.columns - 1));
  losses_.resize(prefixes.size());

  const auto for_rows = [&](auto&& work) {
    pool_.parallel_for(kernels::blocks_for(layout_.size, kRowsPerChunk), [&](std::size_t chunk, unsigned slot) {
      if (shall_stop && shall_stop()) return;
      const std::size_t end = std::min(layout_.size, (chunk + 1) * kRowsPerChunk);
      for (std::size_t row = chunk * kRowsPerChunk; row < end; ++row) work(row, scratch_[slot]);
    });
  };
  for_rows([&](std::size_t row, Scratch& scratch) { score(row, scratch); });
  pool_.parallel_for(prefixes.size(), [&](std::size_t p, unsigned) {
    losses_[p] = static_cast<double>(prefixes_[p].weight) * loss_->run(scores_of(p), batch);
  });
  for_rows([&](std::size_t row, Scratch& scratch) { backpropagate(row, scratch); });

  double sum = 0.0;
  for (const double loss : losses_) sum += loss;
  return sum;
}

PairScores PairObjective::scores_of(std::size_t prefix) {
  const std::size_t pairs = layout_.columns - 1;
  return {layout_.size, pairs, scores_.data() + prefix * layout_.size * pairs};
}

void PairObjective::look(std::size_t row, std::size_t prefix, Scratch& scratch) const {
  for (std::size_t c = 0; c < layout_.columns; ++c) {
    scratch.view_of[c] = texts_.view(layout_.first_text(c) + row, prefix, scratch.views.data() + c * dim_);
  }
}

void PairObjective::score(std::size_t row, Scratch& scratch) {
  for (std::size_t c = 0; c < layout_.columns; ++c) texts_.measure(layout_.first_text(c) + row);
  for (std::size_t p = 0; p < prefixes_.size(); ++p) {
    look(row, p, scratch);
    const PairScores scores = scores_of(p);
    for (std::size_t pair = 0; pair < scores.pairs; ++pair) {
      scores.at(row, pair) = metric_.measure(scratch.view_of[0], scratch.view_of[pair + 1], prefixes_[p].dim);
    }
  }
}

void PairObjective::backpropagate(std::size_t row, Scratch& scratch) {
  for (std::size_t c = 0; c < layout_.columns; ++c) texts_.clear_gradient(layout_.first_text(c) + row);
  for (std::size_t p = 0; p < prefixes_.size(); ++p) {
    look(row, p, scratch);
    for (std::size_t c = 0; c < layout_.columns; ++c) {
      scratch.gradient_of[c] =
          texts_.view_gradient(layout_.first_text(c) + row, p, scratch.gradients.data() + c * dim_);
    }
    const PairScores slopes = scores_of(p);
    for (std::size_t pair = 0; pair < slopes.pairs; ++pair) {
      const double slope = static_cast<double>(prefixes_[p].weight) * slopes.at(row, pair);
      if (slope == 0.0) continue;
      metric_.add_gradient(slope, scratch.view_of[0], scratch.view_of[pair + 1], prefixes_[p].dim,
                           scratch.gradient_of[0], scratch.gradient_of[pair + 1]);
    }
    for (std::size_t c = 0; c < layout_.columns; ++c) {
      texts_.add_back(layout_.first_text(c) + row, p, scratch.view_of[c], scratch.gradient_of[c]);
    }
  }
}

}  // namespace stillvec::training
