#include "training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>
#include <string>
#include <utility>

#include "kernels/bag/bag.h"
#include "kernels/rows/rows.h"
#include "runtime/thread_pool.h"
#include "training/criterion.h"
#include "training/optimizer.h"
#include "training/pooled_batch.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kTextsPerChunk = 16, kRowsPerChunk = 512;

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
  Impl(ThreadPool& thread_pool, std::size_t table_rows, std::size_t width, const OptimizerConfig& optimizer_config,
       std::uint64_t seed, model::Pooling pooling)
      : pool(thread_pool),
        rows(table_rows),
        dim(width),
        table(table_rows * width),
        random_state(seed),
        batch(thread_pool, table_rows, width, std::move(pooling)),
        optimizer(thread_pool, optimizer_config, table_rows, width) {}

  Status read_batch(const Criterion& criterion, const Source& source, std::span<const std::uint32_t> batch_rows);
  double compute(Criterion& criterion, std::uint64_t& random, StageClock& clock, StepTimes& times,
                 const ShallStop& shall_stop);
  bool has_finite_gradient() const;
  void divide_gradient();

  ThreadPool& pool;
  const std::size_t rows, dim;
  Buffer<float> table;
  std::uint64_t random_state;

  PooledBatch batch;
  Optimizer optimizer;
  TextGradients gradients;
  std::vector<float> text_norms;
};

Status Trainer::Impl::read_batch(const Criterion& criterion, const Source& source,
                                 std::span<const std::uint32_t> batch_rows) {
  if (batch_rows.size() < criterion.least_rows()) {
    return invalid("this loss needs a batch of at least " + std::to_string(criterion.least_rows()) + " rows");
  }
  return batch.read(source, batch_rows);
}

// Of the texts, and so of the rows: sums of few finite values.
bool Trainer::Impl::has_finite_gradient() const {
  for (std::size_t text = 0; text < text_norms.size(); ++text) {
    if (batch.touched().divisor(text) > 0.0f && !std::isfinite(text_norms[text])) return false;
  }
  return true;
}

// From the gradient of the means to that of the sums, and its norm for each text.
void Trainer::Impl::divide_gradient() {
  const std::size_t text_rows = batch.layout().text_rows();
  text_norms.resize(text_rows);
  const kernels::RowKernels& kernels = kernels::row_kernels();
  pool.parallel_for(kernels::blocks_for(text_rows, kTextsPerChunk), [&](std::size_t chunk, unsigned) {
    const std::size_t end = std::min(text_rows, (chunk + 1) * kTextsPerChunk);
    for (std::size_t text = chunk * kTextsPerChunk; text < end; ++text) {
      const float divisor = batch.touched().divisor(text);
      if (divisor == 0.0f) continue;
      float* gradient = gradients.rows + text * gradients.stride;
      if (divisor > 1.0f) kernels.divide(divisor, gradients.width, gradient);
      text_norms[text] = std::sqrt(kernels.squared_norm(gradient, gradients.width));
    }
  });
}

double Trainer::Impl::compute(Criterion& criterion, std::uint64_t& random, StageClock& clock, StepTimes& times,
                              const ShallStop& shall_stop) {
  criterion.draw_dims(random);
  const Batch texts = batch.pool(table.data(), criterion.width());
  times.pooling = clock.lap();
  const double result = criterion.run(texts, shall_stop);
  gradients = criterion.gradients();
  divide_gradient();
  times.loss = clock.lap();
  return result;
}

Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::~Trainer() = default;

Result<std::unique_ptr<Trainer>> Trainer::create(ThreadPool& pool, std::span<const float> initial, std::size_t rows,
                                                 std::size_t dim, OptimizerConfig optimizer, std::uint64_t seed,
                                                 model::Pooling pooling) {
  if (rows == 0 || dim == 0) return invalid("a table needs at least one row and one column");
  if (rows > 0xffffffffu || initial.size() / dim != rows || initial.size() % dim != 0) {
    return invalid("the initial table is not rows x dim");
  }
  if (Status status = check(optimizer); !status.is_ok()) return status;
  try {
    auto impl = std::make_unique<Impl>(pool, rows, dim, optimizer, seed, std::move(pooling));
    pool.parallel_for(kernels::blocks_for(rows, kRowsPerChunk), [&](std::size_t chunk, unsigned) {
      const std::size_t begin = chunk * kRowsPerChunk * dim;
      std::copy_n(initial.data() + begin, std::min(kRowsPerChunk * dim, rows * dim - begin),
                  impl->table.data() + begin);
    });
    return std::unique_ptr<Trainer>(new Trainer(std::move(impl)));
  } catch (const std::bad_alloc&) {
    return Status{Code::kOutOfMemory, "not enough memory for a table of " + std::to_string(rows) + " x " +
                                          std::to_string(dim) + " and its optimizer"};
  }
}

Result<StepReport> Trainer::step(Criterion& criterion, const Source& source, std::span<const std::uint32_t> batch,
                                 double learning_rate, const ShallStop& shall_stop) {
  if (!(learning_rate >= 0.0) || !std::isfinite(learning_rate)) {
    return invalid("the learning rate must be finite and not negative");
  }
  Impl& impl = *impl_;
  const Status stopped = {Code::kAborted, "the step was stopped"};
  bool caught_up = false;
  const auto give_up = [&](Status status) -> Result<StepReport> {
    if (caught_up) impl.optimizer.settle(impl.batch.touched().rows());
    return status;
  };
  try {
    StepReport report;
    StageClock clock;
    if (Status status = impl.read_batch(criterion, source, batch); !status.is_ok()) return status;
    report.seconds.index = clock.lap();
    if (shall_stop && shall_stop()) return stopped;
    impl.optimizer.catch_up(impl.batch.touched().rows(), impl.table.data());
    report.seconds.catch_up = clock.lap();
    caught_up = true;
    std::uint64_t random = impl.random_state;
    report.loss = impl.compute(criterion, random, clock, report.seconds, shall_stop);
    if (shall_stop && shall_stop()) return give_up(stopped);
    if (!std::isfinite(report.loss)) return give_up({Code::kNotFinite, "the loss is " + std::to_string(report.loss)});
    if (!impl.has_finite_gradient()) return give_up({Code::kNotFinite, "the gradient is not finite"});
    report.grad_norm =
        impl.optimizer.step(impl.batch.touched(), impl.gradients, impl.text_norms, learning_rate, impl.table.data());
    criterion.step(impl.optimizer.config(), learning_rate);
    report.seconds.update = clock.lap();
    impl.random_state = random;
    return report;
  } catch (const std::bad_alloc&) {
    return give_up({Code::kOutOfMemory, "not enough memory for a batch of " + std::to_string(batch.size())});
  }
}

Result<double> Trainer::gradient(Criterion& criterion, const Source& source, std::span<const std::uint32_t> batch,
                                 std::span<float> out) {
  Impl& impl = *impl_;
  if (out.size() != impl.rows * impl.dim) return invalid("the gradient is not rows x dim");
  try {
    if (Status status = impl.read_batch(criterion, source, batch); !status.is_ok()) return status;
    synchronize();
    std::uint64_t random = impl.random_state;
    StageClock clock;
    StepTimes times;
    const double loss = impl.compute(criterion, random, clock, times, {});
    std::fill(out.begin(), out.end(), 0.0f);
    const std::span<const std::uint32_t> rows = impl.batch.touched().rows();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::span<const kernels::WeightedRow> texts = impl.batch.touched().texts(i);
      kernels::bag_kernels().sum_f32({impl.gradients.rows, nullptr, impl.gradients.stride},
                                     {texts.data(), texts.size(), nullptr, 0}, 1.0f, impl.gradients.width,
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

Buffer<float> Trainer::take_table() && {
  synchronize();
  return std::move(impl_->table);
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
