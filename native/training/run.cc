#include "training/run.h"

#include <algorithm>
#include <new>
#include <utility>

#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

using Clock = std::chrono::steady_clock;

Status check(const Source& source, const RunConfig& config) {
  if (source.columns.empty()) return {Code::kInvalidArgument, "expected one or more columns"};
  const std::size_t rows = source.rows();
  for (const auto& column : source.columns) {
    if (column->count() != rows) return {Code::kInvalidArgument, "expected columns of one length"};
  }
  if (rows > UINT32_MAX - 1) return {Code::kUnsupported, "more than 2^32 - 2 rows"};
  if (config.batch_size < 2) return {Code::kInvalidArgument, "expected a batchSize of at least 2"};
  return Status::ok();
}

std::vector<const TokenColumn*> views_of(const Source& source) {
  std::vector<const TokenColumn*> views;
  for (const auto& column : source.columns) views.push_back(column.get());
  return views;
}

}  // namespace

Result<std::unique_ptr<Run>> Run::create(ThreadPool& pool, const model::EmbeddingTable& initial, Source source,
                                         RunConfig config) {
  if (Status status = check(source, config); !status.is_ok()) return status;
  std::shared_ptr<const model::EmbeddingTable> converted;
  if (initial.dtype() != model::Dtype::kF32) {
    auto f32 = initial.convert(model::Dtype::kF32, pool);
    if (!f32.is_ok()) return f32.status();
    converted = std::move(f32.value());
  }
  const model::EmbeddingTable& table = converted == nullptr ? initial : *converted;
  const std::span values(reinterpret_cast<const float*>(table.data()), table.rows() * table.dim());
  auto criterion = Criterion::create(pool, table.dim(), std::move(config.loss), config.precision);
  if (!criterion.is_ok()) return criterion.status();
  if (Status status = criterion.value()->check(source); !status.is_ok()) return status;
  if (criterion.value()->compares_texts()) hash_texts(source);
  auto trainer = Trainer::create(pool, values, table.rows(), table.dim(), config.optimizer, config.seed);
  if (!trainer.is_ok()) return trainer.status();
  try {
    return std::unique_ptr<Run>(
        new Run(std::move(source), std::move(criterion.value()), std::move(trainer.value()), config));
  } catch (const std::bad_alloc&) {
    return Status{Code::kOutOfMemory, "not enough memory to draw batches from the rows"};
  }
}

Run::Run(Source source, std::unique_ptr<Criterion> criterion, std::unique_ptr<Trainer> trainer, const RunConfig& config)
    : source_(std::move(source)),
      criterion_(std::move(criterion)),
      trainer_(std::move(trainer)),
      sampler_(config.sampler, views_of(source_), config.batch_size, config.drop_last, config.seed) {}

// The next batch, of the next epoch where one ends; false after the last of `epochs`, and when stopped.
bool Run::draw(std::uint64_t epochs, const ShallStop& shall_stop) {
  if (batch_waits_) return true;
  for (; epoch_ < epochs && !shall_stop(); ++epoch_, epoch_begun_ = false) {
    if (!epoch_begun_) sampler_.begin_epoch(epoch_);
    epoch_begun_ = true;
    if (sampler_.next(batch_, shall_stop)) return true;
    if (shall_stop()) return false;
  }
  return false;
}

Result<std::vector<RunStep>> Run::advance(std::span<const double> learning_rates, std::uint64_t epochs,
                                          Milliseconds time, const ShallStop& stop) {
  const ShallStop shall_stop = stop ? stop : [] { return false; };
  const Clock::time_point start = Clock::now();
  try {
    std::vector<RunStep> steps;
    steps.reserve(learning_rates.size());  // a step that was taken is reported, whatever memory is left
    for (const double learning_rate : learning_rates) {
      const Clock::time_point begin = Clock::now();
      if (shall_stop() || (!steps.empty() && begin - start >= time)) break;
      if (!draw(epochs, shall_stop)) break;
      batch_waits_ = true;
      const std::chrono::duration<double> sampling = Clock::now() - begin;
      Result<StepReport> report = trainer_->step(*criterion_, source_, batch_, learning_rate, shall_stop);
      if (!report.is_ok()) {
        if (steps.empty() && report.status().code != Code::kAborted) return report.status();
        break;
      }
      batch_waits_ = false;
      steps.push_back({report.value(), batch_.size(), epoch_, sampling.count()});
    }
    return steps;
  } catch (const std::bad_alloc&) {
    return Status{Code::kOutOfMemory, "not enough memory to draw a batch"};
  }
}

Result<std::shared_ptr<const model::EmbeddingTable>> Run::snapshot() const {
  Status status = Status::ok();
  auto table = model::EmbeddingTable::from_f32(trainer_->rows(), trainer_->dim(), [&](float* out) {
    status = trainer_->snapshot({out, trainer_->rows() * trainer_->dim()});
  });
  if (!status.is_ok()) return status;
  return table;
}

RunState Run::state() const {
  RunState state{trainer_->state(), epoch_, epoch_begun_, sampler_.remaining()};
  if (batch_waits_) state.remaining_rows.insert(state.remaining_rows.begin(), batch_.begin(), batch_.end());
  return state;
}

Status Run::restore(const RunState& state) {
  std::vector<bool> seen(sampler_.rows());
  for (const std::uint32_t row : state.remaining_rows) {
    if (row >= seen.size() || seen[row]) return {Code::kCorrupt, "remainingRows are not rows of the dataset"};
    seen[row] = true;
  }
  if (Status status = trainer_->restore(state.trainer); !status.is_ok()) return status;
  sampler_.restore(state.remaining_rows);
  epoch_ = state.epoch;
  epoch_begun_ = state.epoch_begun;
  batch_waits_ = false;
  return Status::ok();
}

Result<double> Run::gradient(std::span<const std::uint32_t> batch, std::span<float> out) {
  return trainer_->gradient(*criterion_, source_, batch, out);
}

}  // namespace stillvec::training
