#include "training/objectives/prefix_texts.h"

#include <algorithm>
#include <cmath>

#include "kernels/rows/rows.h"
#include "kernels/vector/vector.h"

namespace stillvec::training {
namespace {

constexpr double kLeastNorm = 1e-12;

}  // namespace

void PrefixTexts::begin(const Batch& batch, const std::vector<Prefix>& prefixes) {
  batch_ = batch;
  prefixes_ = prefixes;
  width_ = prefixes.back().dim;
  if (normalizes_) inverse_norms_.reserve(batch.layout.text_rows() * prefixes.size());
  gradients_.reserve(batch.layout.text_rows() * width_);
}

void PrefixTexts::measure(std::size_t text) {
  if (!normalizes_) return;
  const float* values = batch_.texts + text * dim_;
  float* inverse = inverse_norms_.data() + text * prefixes_.size();
  double squared = 0.0;
  std::size_t begin = 0;
  for (std::size_t p = 0; p < prefixes_.size(); ++p) {
    const std::size_t end = prefixes_[p].dim;
    squared += static_cast<double>(kernels::row_kernels().squared_norm(values + begin, end - begin));
    const double norm = std::sqrt(squared);
    inverse[p] = norm < kLeastNorm ? 0.0f : static_cast<float>(1.0 / norm);
    begin = end;
  }
}

const float* PrefixTexts::view(std::size_t text, std::size_t prefix, float* scratch) const {
  const float* values = batch_.texts + text * dim_;
  if (!normalizes_) return values;
  const float inverse = inverse_norms_[text * prefixes_.size() + prefix];
  kernels::vector_kernels().scale(values, inverse, prefixes_[prefix].dim, scratch);
  return scratch;
}

void PrefixTexts::clear_gradient(std::size_t text) { std::fill_n(gradients_.data() + text * width_, width_, 0.0f); }

float* PrefixTexts::view_gradient(std::size_t text, std::size_t prefix, float* scratch) {
  if (!normalizes_) return gradients_.data() + text * width_;
  std::fill_n(scratch, prefixes_[prefix].dim, 0.0f);
  return scratch;
}

// Of x / |x|, what the gradient has along it is lost, and the rest is divided by |x|.
void PrefixTexts::add_back(std::size_t text, std::size_t prefix, const float* view, const float* view_gradient) {
  if (!normalizes_) return;
  const std::size_t dim = prefixes_[prefix].dim;
  const float inverse = inverse_norms_[text * prefixes_.size() + prefix];
  const float along = kernels::vector_kernels().dot(view, view_gradient, dim);
  float* gradient = gradients_.data() + text * width_;
  kernels::row_kernels().add_scaled(inverse, view_gradient, dim, gradient);
  kernels::row_kernels().add_scaled(-inverse * along, view, dim, gradient);
}

}  // namespace stillvec::training
