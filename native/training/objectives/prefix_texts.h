#pragma once

#include <cstddef>
#include <vector>

#include "runtime/buffer.h"
#include "training/objective.h"

namespace stillvec::training {

// The texts of a batch as a loss sees them at each prefix: their first columns, scaled to length one under Matryoshka
// (as torch's normalize; shorter than 1e-12 they are zeros and get no gradient); and the way back to the gradients of
// the texts. Different texts may be worked on at once.
class PrefixTexts {
 public:
  explicit PrefixTexts(const ObjectiveContext& context) : PrefixTexts(context.dim, context.normalizes) {}
  PrefixTexts(std::size_t dim, bool normalizes) : dim_(dim), normalizes_(normalizes) {}

  // Begins a run. `prefixes` ascend strictly in dim.
  void begin(const Batch& batch, const std::vector<Prefix>& prefixes);

  // Comes first for each text: finds its lengths.
  void measure(std::size_t text);

  // The first prefix.dim columns, as the loss sees them; in `scratch`, `dim` floats, where they differ from the text's.
  const float* view(std::size_t text, std::size_t prefix, float* scratch) const;

  void clear_gradient(std::size_t text);

  // Where the gradient with respect to a view is to be added: zeros in `scratch` where it has to go back through the
  // scaling, else the text's own gradient. Whoever has added it, and the prefix's weight with it, calls add_back().
  float* view_gradient(std::size_t text, std::size_t prefix, float* scratch);
  void add_back(std::size_t text, std::size_t prefix, const float* view, const float* view_gradient);

  TextGradients gradients() { return {gradients_.data(), width_, width_}; }

 private:
  const std::size_t dim_;
  const bool normalizes_;
  Batch batch_;
  std::vector<Prefix> prefixes_;
  std::size_t width_ = 0;
  Buffer<float> inverse_norms_;  // texts x prefixes; 0 where there is no length
  Buffer<float> gradients_;      // texts x width_
};

}  // namespace stillvec::training
