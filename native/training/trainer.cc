#include "training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>
#include <string>

#include "kernels/rows/rows.h"
#include "runtime/thread_pool.h"
#include "training/optimizer.h"
#include "training/ranking_objective.h"
#include "training/touched_rows.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kTextsPerChunk = 16;

// Times one stage after the other.
class StageClock {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Status invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

// Steele, Lea and Flood's SplitMix64.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

Status check(const LossConfig& loss, std::size_t dim) {
  const RankingLoss& ranking = loss.ranking;
  if (!(ranking.scale > 0.0f) || !std::isfinite(ranking.scale)) return invalid("scale must be positive");
  if ((ranking.directions & kQueryToDoc) == 0) return invalid("directions must include query_to_doc");
  if (ranking.per_direction && (ranking.directions & (kQueryToQuery | kDocToDoc)) != 0) {
    return invalid("per_direction allows query_to_doc and doc_to_query only: the others never meet the positive");
  }
  if (!(ranking.hardness_strength >= 0.0f) || !std::isfinite(ranking.hardness_strength)) {
    return invalid("hardness strength must not be negative");
  }
  std::size_t last = 0;
  for (const MatryoshkaDim& matryoshka : loss.matryoshka) {
    if (matryoshka.dim <= last) return invalid("Matryoshka dims must ascend from 1");
    if (matryoshka.dim > dim) {
      return invalid("Matryoshka dim " + std::to_string(matryoshka.dim) + " is above the width, " +
                     std::to_string(dim));
    }
    if (!std::isfinite(matryoshka.weight)) return invalid("Matryoshka weights must be finite");
    last = matryoshka.dim;
  }
  return Status::ok();
}

Status check(const OptimizerConfig& optimizer) {
  constexpr float kLeastEps = 1e-30f;
  for (float beta : {optimizer.beta1, optimizer.beta2}) {
    if (!(beta >= 0.0f) || !(beta < 1.0f)) return invalid("betas must be in [0, 1)");
  }
  if (optimizer.kind == OptimizerKind::kAdamW && !(optimizer.beta2 > 0.0f)) {
    return invalid("AdamW's beta2 must be positive");
  }
  if (!(optimizer.eps >= kLeastEps) || !std::isfinite(optimizer.eps)) return invalid("eps must be at least 1e-30");
  if (!(optimizer.weight_decay >= 0.0f) || !std::isfinite(optimizer.weight_decay)) {
    return invalid("weight decay must not be negative");
  }
  if (optimizer.max_grad_norm.has_value() && !(*optimizer.max_grad_norm > 0.0f)) {
    return invalid("the largest gradient norm must be positive");
  }
  return Status::ok();
}

}  // namespace

struct Trainer::Impl {
  Impl(ThreadPool& thread_pool, std::size_t table_rows, std::size_t width, LossConfig loss_config,
       const OptimizerConfig& optimizer_config, Precision precision, std::uint64_t seed)
      : pool(thread_pool),
        rows(table_rows),
        dim(width),
        loss(std::move(loss_config)),
        table(table_rows * width),
        random_state(seed),
        touched(thread_pool, table_rows),
        objective(thread_pool, loss.ranking, !loss.matryoshka.empty() || loss.ranking.similarity == Similarity::kCosine,
                  width, precision == Precision::kBfloat16 ? kernels::bf16_products() : kernels::f32_products()),
        optimizer(thread_pool, optimizer_config, table_rows, width) {}

  Status read_batch(std::span<const TokenColumn* const> columns, std::span<const std::uint32_t> batch);
  double compute(std::uint64_t& random, StageClock& clock, StepTimes& times, const ShallStop& shall_stop);
  bool has_finite_gradient() const;
  void draw_prefixes(std::uint64_t& random);
  void pool_texts();
  void divide_gradient();

  ThreadPool& pool;
  const std::size_t rows, dim;
  const LossConfig loss;
  Buffer<float> table;
  std::uint64_t random_state;

  TouchedRows touched;
  RankingObjective objective;
  Optimizer optimizer;
  std::size_t columns_count = 0, batch_size = 0, text_rows = 0;
  std::vector<std::size_t> first_text;
  std::vector<Prefix> prefixes;
  std::vector<std::size_t> order;
  Buffer<float> texts;
  std::vector<float> text_norms;
};

Status Trainer::Impl::read_batch(std::span<const TokenColumn* const> columns, std::span<const std::uint32_t> batch) {
  constexpr std::size_t kMostTexts = 0xffffffffu;
  if (columns.size() < 2) return invalid("a ranking loss needs at least two columns");
  if (batch.size() < 2) return invalid("a ranking loss needs at least two rows in a batch");
  if (columns.size() > kMostTexts / 2 / batch.size()) return invalid("a batch has too many texts");
  if (std::find(columns.begin(), columns.end(), nullptr) != columns.end()) return invalid("a column is missing");
  columns_count = columns.size();
  batch_size = batch.size();
  text_rows = RankingObjective::text_rows(columns_count, batch_size);
  first_text.clear();
  for (std::size_t c = 0; c < columns_count; ++c) {
    first_text.push_back(RankingObjective::first_text(c, columns_count, batch_size));
  }
  return touched.build(columns, batch, first_text, text_rows);
}

void Trainer::Impl::draw_prefixes(std::uint64_t& random) {
  prefixes.clear();
  if (loss.matryoshka.empty()) {
    prefixes.push_back({dim, 1.0f});
    return;
  }
  const std::size_t count = loss.matryoshka.size();
  const std::size_t drawn = loss.dims_per_step == 0 ? count : std::min(count, loss.dims_per_step);
  order.resize(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  if (drawn < count) {
    for (std::size_t i = 0; i < drawn; ++i) std::swap(order[i], order[i + next_random(random) % (count - i)]);
    std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(drawn));
  }
  for (std::size_t i = 0; i < drawn; ++i) {
    prefixes.push_back({loss.matryoshka[order[i]].dim, loss.matryoshka[order[i]].weight});
  }
}

void Trainer::Impl::pool_texts() {
  texts.reserve(text_rows * dim);
  const std::size_t width = prefixes.back().dim;
  const kernels::RowKernels& kernels = kernels::row_kernels();
  pool.parallel_for(kernels::blocks_for(text_rows, kTextsPerChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(text_rows, (chunk + 1) * kTextsPerChunk);
    for (std::size_t text = chunk * kTextsPerChunk; text < end; ++text) {
      const std::span<const kernels::WeightedRow> tokens = touched.tokens(text);
      const std::span<const kernels::WeightedRow> next =
          text + 1 < text_rows ? touched.tokens(text + 1) : std::span<const kernels::WeightedRow>();
      kernels.weighted_sum(table.data(), dim, tokens.data(), tokens.size(), next.data(), next.size(), width,
                           texts.data() + text * dim);
      if (touched.length(text) > 1)
        kernels.divide(static_cast<float>(touched.length(text)), width, texts.data() + text * dim);
    }
  });
}

// Of the texts, and so of the rows: sums of few finite values.
bool Trainer::Impl::has_finite_gradient() const {
  for (std::size_t text = 0; text < text_rows; ++text) {
    if (touched.length(text) > 0 && !std::isfinite(text_norms[text])) return false;
  }
  return true;
}

// From the gradient of the means to that of the sums, and its norm for each text.
void Trainer::Impl::divide_gradient() {
  text_norms.resize(text_rows);
  const std::size_t width = objective.width();
  const kernels::RowKernels& kernels = kernels::row_kernels();
  pool.parallel_for(kernels::blocks_for(text_rows, kTextsPerChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(text_rows, (chunk + 1) * kTextsPerChunk);
    for (std::size_t text = chunk * kTextsPerChunk; text < end; ++text) {
      const std::size_t length = touched.length(text);
      if (length == 0) continue;
      float* gradient = objective.gradient() + text * objective.gradient_stride();
      if (length > 1) kernels.divide(static_cast<float>(length), width, gradient);
      text_norms[text] = std::sqrt(kernels.squared_norm(gradient, width));
    }
  });
}

double Trainer::Impl::compute(std::uint64_t& random, StageClock& clock, StepTimes& times, const ShallStop& shall_stop) {
  draw_prefixes(random);
  pool_texts();
  times.pooling = clock.lap();
  const double result = objective.run(texts.data(), columns_count, batch_size, prefixes, shall_stop);
  divide_gradient();
  times.loss = clock.lap();
  return result;
}

Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::~Trainer() = default;

Result<std::unique_ptr<Trainer>> Trainer::create(ThreadPool& pool, std::span<const float> initial, std::size_t rows,
                                                 std::size_t dim, LossConfig loss, OptimizerConfig optimizer,
                                                 Precision precision, std::uint64_t seed) {
  if (rows == 0 || dim == 0) return invalid("a table needs at least one row and one column");
  if (rows > 0xffffffffu || initial.size() / dim != rows || initial.size() % dim != 0) {
    return invalid("the initial table is not rows x dim");
  }
  if (Status status = check(loss, dim); !status.is_ok()) return status;
  if (Status status = check(optimizer); !status.is_ok()) return status;
  try {
    auto impl = std::make_unique<Impl>(pool, rows, dim, std::move(loss), optimizer, precision, seed);
    std::copy(initial.begin(), initial.end(), impl->table.data());
    return std::unique_ptr<Trainer>(new Trainer(std::move(impl)));
  } catch (const std::bad_alloc&) {
    return Status{Code::kOutOfMemory, "not enough memory for a table of " + std::to_string(rows) + " x " +
                                          std::to_string(dim) + " and its optimizer"};
  }
}

Result<StepReport> Trainer::step(std::span<const TokenColumn* const> columns, std::span<const std::uint32_t> batch,
                                 double learning_rate, const ShallStop& shall_stop) {
  if (!(learning_rate >= 0.0) || !std::isfinite(learning_rate)) {
    return invalid("the learning rate must be finite and not negative");
  }
  Impl& impl = *impl_;
  const Status stopped = {Code::kAborted, "the step was stopped"};
  bool caught_up = false;
  const auto give_up = [&](Status status) -> Result<StepReport> {
    if (caught_up) impl.optimizer.settle(impl.touched.rows());
    return status;
  };
  try {
    StepReport report;
    StageClock clock;
    if (Status status = impl.read_batch(columns, batch); !status.is_ok()) return status;
    report.seconds.index = clock.lap();
    if (shall_stop && shall_stop()) return stopped;
    impl.optimizer.catch_up(impl.touched.rows(), impl.table.data());
    report.seconds.catch_up = clock.lap();
    caught_up = true;
    std::uint64_t random = impl.random_state;
    report.loss = impl.compute(random, clock, report.seconds, shall_stop);
    if (shall_stop && shall_stop()) return give_up(stopped);
    if (!std::isfinite(report.loss)) return give_up({Code::kNotFinite, "the loss is " + std::to_string(report.loss)});
    if (!impl.has_finite_gradient()) return give_up({Code::kNotFinite, "the gradient is not finite"});
    report.grad_norm = impl.optimizer.step(
        impl.touched, {impl.objective.gradient(), impl.objective.gradient_stride(), impl.objective.width()},
        impl.text_norms, learning_rate, impl.table.data());
    report.seconds.update = clock.lap();
    impl.random_state = random;
    return report;
  } catch (const std::bad_alloc&) {
    return give_up({Code::kOutOfMemory, "not enough memory for a batch of " + std::to_string(batch.size())});
  }
}

Result<double> Trainer::gradient(std::span<const TokenColumn* const> columns, std::span<const std::uint32_t> batch,
                                 std::span<float> out) {
  Impl& impl = *impl_;
  if (out.size() != impl.rows * impl.dim) return invalid("the gradient is not rows x dim");
  try {
    if (Status status = impl.read_batch(columns, batch); !status.is_ok()) return status;
    synchronize();
    std::uint64_t random = impl.random_state;
    StageClock clock;
    StepTimes times;
    const double loss = impl.compute(random, clock, times, {});
    std::fill(out.begin(), out.end(), 0.0f);
    const std::span<const std::uint32_t> rows = impl.touched.rows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::span<const kernels::WeightedRow> texts = impl.touched.texts(i);
      kernels::row_kernels().weighted_sum(impl.objective.gradient(), impl.objective.gradient_stride(), texts.data(),
                                          texts.size(), nullptr, 0, impl.objective.width(),
                                          out.data() + rows[i] * impl.dim);
    }
    return loss;
  } catch (const std::bad_alloc&) {
    return Status{Code::kOutOfMemory, "not enough memory for a batch of " + std::to_string(batch.size())};
  }
}

void Trainer::synchronize() { impl_->optimizer.synchronize(impl_->table.data()); }

std::span<const float> Trainer::table() const { return {impl_->table.data(), impl_->rows * impl_->dim}; }

Status Trainer::snapshot(std::span<float> out) const {
  if (out.size() != impl_->rows * impl_->dim) return invalid("the snapshot is not rows x dim");
  impl_->optimizer.snapshot(impl_->table.data(), out.data());
  return Status::ok();
}

TrainerState Trainer::state() const {
  TrainerState state;
  state.table = table();
  impl_->optimizer.describe(state);
  state.random_state = impl_->random_state;
  return state;
}

Status Trainer::restore(const TrainerState& state) {
  if (state.table.size() != impl_->rows * impl_->dim) return invalid("the table has another shape");
  if (Status status = impl_->optimizer.restore(state); !status.is_ok()) return status;
  std::copy(state.table.begin(), state.table.end(), impl_->table.data());
  impl_->random_state = state.random_state;
  return Status::ok();
}

std::size_t Trainer::rows() const { return impl_->rows; }
std::size_t Trainer::dim() const { return impl_->dim; }

}  // namespace stillvec::training
