#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/buffer.h"
#include "training/objective.h"
#include "training/objectives/pair_metric.h"
#include "training/objectives/prefix_texts.h"
#include "training/objectives/score_layout.h"
#include "training/objectives/score_products.h"

namespace stillvec::training {

// A loss that is a sum over the rows of a batch, where each row's part is a function of its anchor's measure with one
// positive and one negative, which are chosen by the scores of all candidates, at every Matryoshka prefix.
//
// So many scores and so few slopes: the products are made forward alone, to choose by. What is chosen is measured
// again, in f32, and each text collects its gradient from the pairs that it is in, in their order.
class HardestPairsObjective : public Objective {
 public:
  // `metric` is symmetric.
  HardestPairsObjective(Score score, const PairMetric& metric, const ObjectiveContext& context);

  double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) override;
  TextGradients gradients() override { return texts_.gradients(); }

 protected:
  // Places among the candidates.
  struct Choice {
    std::size_t positive = 0;
    std::size_t negative = 0;
  };
  // Of the anchor with its positive, and with its negative.
  using PairValues = std::array<double, 2>;

  // What each text of the first column chooses from.
  virtual TextRun candidates(const TextLayout& texts) const = 0;

  // Before the rows of a batch.
  virtual void begin(const Batch&) {}

  // By a row's scores with the candidates.
  virtual Choice choose(std::size_t row, std::span<const float> scores) const = 0;

  // The row's loss, of which the mean over the rows is taken, at one prefix; each measure is replaced by the loss's
  // slope. A text measures 0 with itself, and has no gradient there.
  virtual double row_loss(PairValues& measures) const = 0;

 private:
  struct Scratch {
    Buffer<float> products;  // of a tile
    Buffer<float> scores;    // of a row
    Buffer<float> view, other_view, gradient;
  };

  // What a text is paired with, and the loss's slope by their measure.
  struct Link {
    std::uint32_t other = 0;
    float slope = 0.0f;
  };

  void choose_pairs(const ShallStop& shall_stop);
  double pair_row(std::size_t row, std::size_t prefix, const float* products, Scratch& scratch);
  void link_texts(std::size_t prefix);
  void collect_gradient(std::size_t text, Scratch& scratch);
  template <typename Work>
  void for_texts(const Work& work);

  ThreadPool& pool_;
  const std::size_t unit_;  // of the products
  const PairMetric& metric_;
  std::vector<Prefix> prefixes_;
  ColumnLayout columns_;
  ScoreLayout scores_;
  ScoreProducts products_;
  PrefixTexts texts_;
  std::vector<Scratch> scratch_;            // one a thread
  std::vector<Link> pairs_;                 // prefixes x rows x 2, from their anchors
  std::vector<Link> links_;                 // prefixes x rows x 4, from both ends, sorted by text
  std::vector<std::uint32_t> first_links_;  // prefixes x (texts + 2): those of text t are from [t] to [t + 1]
  std::vector<double> losses_;              // one a row
};

}  // namespace stillvec::training
