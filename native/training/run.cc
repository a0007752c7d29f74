#include "training/run.h"

#include <algorithm>
#include <new>
#include <utility>

#include "runtime/random.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

using Clock = std::chrono::steady_clock;

Status invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Status check(const RunSource& data, const std::vector<std::unique_ptr<Criterion>>& criteria, const RunConfig& config) {
  if (Status status = check_shape(data.source); !status.is_ok()) return status;
  if (data.loss >= criteria.size()) return invalid("expected the number of a loss for loss");
  const Criterion& criterion = *criteria[data.loss];
  if (config.batch_size < criterion.least_rows()) {
    return invalid("expected at least " + std::to_string(criterion.least_rows()) +
                   " for batchSize, from which this loss learns, but received " + std::to_string(config.batch_size));
  }
  return criterion.check(data.source);
}

// A source's own, so that sources of one length are not drawn from alike.
std::uint64_t seed_of(std::uint64_t seed, std::size_t source) {
  return source == 0 ? seed : mix64(seed ^ mix64(source));
}

// Names the source, where it has a name.
Status of_source(const RunSource& data, Status status) {
  if (!data.name.empty()) status.message.insert(0, ": ").insert(0, data.name);
  return status;
}

}  // namespace

Result<std::unique_ptr<Run>> Run::create(ThreadPool& pool, const std::shared_ptr<const model::EmbeddingTable>& initial,
                                         std::vector<RunSource> sources, RunConfig config) try {
  if (sources.empty()) return invalid("expected one or more sources");
  if (config.batch_size == 0) return invalid("expected at least 1 for batchSize but received 0");
  std::unique_ptr<Run> run(new Run());
  run->seed_ = config.seed;
  run->mix_ = find_mixture(config.multi_dataset_batch_sampler);
  if (run->mix_ == nullptr) {
    return invalid("there is no multiDatasetBatchSampler " + config.multi_dataset_batch_sampler);
  }
  for (std::vector<CriterionTerm>& loss : config.losses) {
    auto criterion = Criterion::create(pool, initial->dim(), std::move(loss), config.precision, config.seed);
    if (!criterion.is_ok()) return criterion.status();
    run->criteria_.push_back(std::move(criterion.value()));
  }
  run->parts_.reserve(sources.size());
  for (RunSource& data : sources) {
    if (Status status = check(data, run->criteria_, config); !status.is_ok()) return of_source(data, status);
    Criterion& criterion = *run->criteria_[data.loss];
    if (criterion.compares_texts()) hash_texts(data.source);
    const SamplerConfig drawing = {config.batch_size, criterion.least_rows(), config.drop_last,
                                   seed_of(config.seed, run->parts_.size())};
    auto sampler = make_sampler(config.batch_sampler, data.source, drawing);
    if (!sampler.is_ok()) return of_source(data, sampler.status());
    run->parts_.push_back({std::move(data), &criterion, std::move(sampler.value()), {}, 0});
  }

  const auto table = model::as_f32(initial, pool);
  if (!table.is_ok()) return table.status();
  auto trainer = Trainer::create(pool, table.value()->f32(), initial->rows(), initial->dim(), config.optimizer,
                                 config.seed, std::move(config.pooling));
  if (!trainer.is_ok()) return trainer.status();
  run->trainer_ = std::move(trainer.value());
  return run;
} catch (const std::bad_alloc&) {
  return Status{Code::kOutOfMemory, "not enough memory for a run over these rows"};
}

Result<std::uint64_t> Run::count_steps(std::uint64_t epochs, std::uint64_t most, const ShallStop& shall_stop) const
    try {
  std::vector<std::size_t> batches(parts_.size());
  std::uint64_t steps = 0;
  for (std::uint64_t epoch = 0; epoch < epochs && steps < most; ++epoch) {
    for (std::size_t k = 0; k < parts_.size(); ++k) batches[k] = parts_[k].sampler->count(epoch, shall_stop);
    if (shall_stop && shall_stop()) return Status{Code::kAborted, "the count was stopped"};
    const std::size_t of_epoch = mix_(batches, seed_, epoch).size();
    if (of_epoch == 0) break;
    steps += of_epoch;
  }
  return std::min(steps, most);
} catch (const std::bad_alloc&) {
  return Status{Code::kOutOfMemory, "not enough memory to draw an epoch"};
}

// False where it was stopped.
bool Run::begin_epoch(const ShallStop& shall_stop) {
  std::vector<std::size_t> batches;
  for (Part& part : parts_) {
    if (!part.sampler->draw(epoch_, part.batches, shall_stop)) return false;
    batches.push_back(part.batches.size());
    part.taken = 0;
  }
  order_ = mix_(batches, seed_, epoch_);
  steps_of_epoch_ = std::min<std::uint64_t>(steps_of_epoch_, order_.size());
  for (std::uint64_t step = 0; step < steps_of_epoch_; ++step) ++parts_[order_[step]].taken;
  return true;
}

// Finds the next batch, of the next epoch where one ends; false after the last of `epochs`, and when stopped.
bool Run::draw(std::uint64_t epochs, const ShallStop& shall_stop) {
  for (; epoch_ < epochs; ++epoch_, steps_of_epoch_ = 0, epoch_begun_ = false) {
    if (shall_stop && shall_stop()) return false;
    if (!epoch_begun_ && !begin_epoch(shall_stop)) return false;
    epoch_begun_ = true;
    if (steps_of_epoch_ < order_.size()) return true;
  }
  return false;
}

Result<std::vector<RunStep>> Run::advance(std::span<const double> learning_rates, std::uint64_t epochs,
                                          Milliseconds time, const ShallStop& shall_stop) try {
  const Clock::time_point start = Clock::now();
  std::vector<RunStep> steps;
  steps.reserve(learning_rates.size());  // a step that was taken is reported, whatever memory is left
  for (const double learning_rate : learning_rates) {
    const Clock::time_point begin = Clock::now();
    if ((shall_stop && shall_stop()) || (!steps.empty() && begin - start >= time)) break;
    if (!draw(epochs, shall_stop)) break;
    const std::chrono::duration<double> sampling = Clock::now() - begin;
    const std::size_t source = order_[steps_of_epoch_];
    Part& part = parts_[source];
    const std::span<const std::uint32_t> batch = part.batches[part.taken];
    const Result<StepReport> report =
        trainer_->step(*part.criterion, part.data.source, batch, learning_rate, shall_stop);
    if (!report.is_ok()) {
      if (steps.empty() && report.status().code != Code::kAborted) return of_source(part.data, report.status());
      break;
    }
    ++part.taken;
    ++steps_of_epoch_;
    const double of_epoch = static_cast<double>(steps_of_epoch_) / static_cast<double>(order_.size());
    steps.push_back(
        {report.value(), batch.size(), source, epoch_, static_cast<double>(epoch_) + of_epoch, sampling.count()});
  }
  return steps;
} catch (const std::bad_alloc&) {
  return Status{Code::kOutOfMemory, "not enough memory to draw an epoch"};
}

Result<std::shared_ptr<const model::EmbeddingTable>> Run::snapshot() const {
  Status status = Status::ok();
  auto table = model::EmbeddingTable::from_f32(trainer_->rows(), trainer_->dim(), [&](float* out) {
    status = trainer_->snapshot({out, trainer_->rows() * trainer_->dim()});
  });
  if (!status.is_ok()) return status;
  return table;
}

std::shared_ptr<const model::EmbeddingTable> Run::finish() && {
  const std::size_t rows = trainer_->rows(), dim = trainer_->dim();
  return model::EmbeddingTable::of_f32(rows, dim, std::move(*trainer_).take_table());
}

RunState Run::state() const {
  RunState state{trainer_->state(), epoch_, steps_of_epoch_, {}};
  for (const auto& criterion : criteria_) criterion->describe(state.losses);
  return state;
}

Status Run::restore(const RunState& state) {
  std::size_t learned = 0;
  for (const auto& criterion : criteria_) learned += criterion->state_size();
  if (learned != state.losses.size()) return {Code::kInvalidArgument, "the losses learn something else"};
  if (Status status = trainer_->restore(state.trainer); !status.is_ok()) return status;
  std::span<const double> rest = state.losses;
  for (const auto& criterion : criteria_) {
    criterion->restore(rest.first(criterion->state_size()));
    rest = rest.subspan(criterion->state_size());
  }
  epoch_ = state.epoch;
  steps_of_epoch_ = state.steps_of_epoch;
  epoch_begun_ = false;
  return Status::ok();
}

Result<double> Run::gradient(std::span<const std::uint32_t> batch, std::span<float> out) {
  const Part& part = parts_.front();
  return trainer_->gradient(*part.criterion, part.data.source, batch, out);
}

}  // namespace stillvec::training
