#include "training/criterion.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "kernels/rows/rows.h"
#include "runtime/thread_pool.h"
#include "training/objectives.h"
#include "training/parameters.h"

namespace stillvec::training {
namespace {

Status invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

// Steele, Lea and Flood's SplitMix64.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

Status check_term(const CriterionTerm& term, std::size_t dim) {
  if (!std::isfinite(term.weight)) return invalid("the weights of a sum must be finite");
  std::size_t last = 0;
  for (const Prefix& prefix : term.matryoshka) {
    if (prefix.dim <= last) return invalid("Matryoshka dims must ascend from 1");
    if (prefix.dim > dim) {
      return invalid("Matryoshka dim " + std::to_string(prefix.dim) + " is above the width, " + std::to_string(dim));
    }
    if (!std::isfinite(prefix.weight)) return invalid("Matryoshka weights must be finite");
    last = prefix.dim;
  }
  return Status::ok();
}

}  // namespace

Result<std::unique_ptr<Criterion>> Criterion::create(ThreadPool& pool, std::size_t dim,
                                                     std::vector<CriterionTerm> terms, Precision precision,
                                                     std::uint64_t seed) {
  if (terms.empty()) return invalid("a sum of losses needs at least one");
  std::unique_ptr<Criterion> criterion(new Criterion(pool, dim));
  for (std::size_t t = 0; t < terms.size(); ++t) {
    CriterionTerm& term = terms[t];
    if (Status status = check_term(term, dim); !status.is_ok()) return status;
    const ObjectiveContext context = {
        .pool = pool,
        .dim = dim,
        .normalizes = !term.matryoshka.empty(),
        .guide = t,
        .products = precision == Precision::kBfloat16 ? kernels::bf16_products() : kernels::f32_products(),
        .seed = seed + t,
    };
    auto objective = make_objective(term.objective, context);
    if (!objective.is_ok()) return objective.status();
    std::vector<Prefix> dims = std::move(term.matryoshka);
    if (dims.empty()) dims.push_back({dim, 1.0f});
    for (Prefix& prefix : dims) prefix.weight *= term.weight;
    criterion->parts_.push_back({std::move(objective.value()), std::move(dims), term.dims_per_step, {}});
  }
  return criterion;
}

Status Criterion::check(const Source& source) const {
  for (const Part& part : parts_) {
    if (Status status = part.objective->check(source); !status.is_ok()) return status;
  }
  return Status::ok();
}

std::size_t Criterion::least_rows() const {
  std::size_t least = 1;
  for (const Part& part : parts_) least = std::max(least, part.objective->least_rows());
  return least;
}

bool Criterion::compares_texts() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.objective->compares_texts(); });
}

void Criterion::draw_dims(std::uint64_t& random) {
  for (Part& part : parts_) {
    const std::size_t count = part.dims.size();
    const std::size_t drawn = part.dims_per_step == 0 ? count : std::min(count, part.dims_per_step);
    order_.resize(count);
    for (std::size_t i = 0; i < count; ++i) order_[i] = i;
    if (drawn < count) {
      for (std::size_t i = 0; i < drawn; ++i) std::swap(order_[i], order_[i + next_random(random) % (count - i)]);
      std::sort(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(drawn));
    }
    part.drawn.clear();
    for (std::size_t i = 0; i < drawn; ++i) part.drawn.push_back(part.dims[order_[i]]);
  }
}

std::size_t Criterion::width() const {
  std::size_t width = 0;
  for (const Part& part : parts_) width = std::max(width, part.drawn.back().dim);
  return width;
}

double Criterion::run(const Batch& batch, const ShallStop& shall_stop) {
  double loss = 0.0;
  for (Part& part : parts_) loss += part.objective->run(batch, part.drawn, shall_stop);
  gradients_ = parts_.front().objective->gradients();
  if (parts_.size() > 1 && !(shall_stop && shall_stop())) add_up(batch.layout);
  return loss;
}

void Criterion::step(const OptimizerConfig& optimizer, double learning_rate) {
  for (Part& part : parts_) {
    if (Parameters* parameters = part.objective->parameters()) parameters->step(optimizer, learning_rate);
  }
}

std::size_t Criterion::state_size() const {
  std::size_t size = 0;
  for (const Part& part : parts_) {
    if (const Parameters* parameters = part.objective->parameters()) size += parameters->state_size();
  }
  return size;
}

void Criterion::describe(std::vector<double>& state) const {
  for (const Part& part : parts_) {
    if (const Parameters* parameters = part.objective->parameters()) parameters->describe(state);
  }
}

void Criterion::restore(std::span<const double> state) {
  for (Part& part : parts_) {
    Parameters* parameters = part.objective->parameters();
    if (parameters == nullptr) continue;
    parameters->restore(state.first(parameters->state_size()));
    state = state.subspan(parameters->state_size());
  }
}

void Criterion::add_up(const TextLayout& layout) {
  constexpr std::size_t kTextsPerChunk = 64;
  const std::size_t width = this->width();
  sums_.reserve(layout.text_rows() * width);
  pool_.parallel_for(kernels::blocks_for(layout.text_rows(), kTextsPerChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(layout.text_rows(), (chunk + 1) * kTextsPerChunk);
    for (std::size_t text = chunk * kTextsPerChunk; text < end; ++text) {
      float* sum = sums_.data() + text * width;
      std::memset(sum, 0, width * sizeof(float));
      for (const Part& part : parts_) {
        const TextGradients gradients = part.objective->gradients();
        kernels::row_kernels().add_scaled(1.0f, gradients.rows + text * gradients.stride, gradients.width, sum);
      }
    }
  });
  gradients_ = {sums_.data(), width, width};
}

}  // namespace stillvec::training
