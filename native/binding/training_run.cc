#include "binding/training_run.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/environment.h"
#include "binding/fields.h"
#include "binding/table.h"
#include "binding/task.h"
#include "binding/token_column.h"

namespace stillvec::binding {

struct TrainingRun::State {
  // What start() needs.
  struct Setup {
    std::shared_ptr<const model::EmbeddingTable> initial;
    training::SamplerKind sampler = training::SamplerKind::kRandom;
    std::uint64_t batch_size = 0;
    bool drop_last = false;
    std::uint64_t seed = 0;
    std::vector<training::CriterionTerm> loss;
    training::OptimizerConfig optimizer;
    training::Precision precision = training::Precision::kFloat32;
  };

  std::unique_ptr<Setup> setup;  // until start() is done
  training::Source source;
  std::vector<const training::TokenColumn*> column_pointers;
  std::unique_ptr<training::BatchSampler> sampler;
  std::unique_ptr<training::Criterion> criterion;
  std::unique_ptr<training::Trainer> trainer;
  std::uint64_t epoch = 0;
  bool epoch_begun = false;
  std::vector<std::uint32_t> batch;
  bool batch_waits = false;  // it was drawn, and its step was stopped or failed: it comes next
  std::atomic<bool> stopping = false;
  bool busy = false;  // JavaScript thread only

  // Draws the next batch, entering the next epoch where one ends; false after the last of `epochs`, and when stopped.
  bool next_batch(std::uint64_t epochs, const std::atomic<bool>& cancelled) {
    if (std::exchange(batch_waits, false)) return true;
    for (; epoch < epochs && !cancelled && !stopping; ++epoch, epoch_begun = false) {
      if (!epoch_begun) sampler->begin_epoch(epoch);
      epoch_begun = true;
      if (sampler->next(batch, [&] { return cancelled || stopping; })) return true;
      if (cancelled || stopping) return false;
    }
    return false;
  }
};

namespace {

training::Settings settings_of(const Napi::Object& object) {
  training::Settings settings;
  settings.kind = string_field(object, "kind");
  const Napi::Array names = object.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    const Napi::Value value = object.Get(name);
    if (value.IsNumber()) {
      settings.values[name] = value.As<Napi::Number>().DoubleValue();
    } else if (value.IsBoolean()) {
      settings.values[name] = value.As<Napi::Boolean>().Value();
    } else if (value.IsString()) {
      settings.values[name] = value.As<Napi::String>().Utf8Value();
    } else if (value.IsArray()) {
      const auto array = value.As<Napi::Array>();
      std::vector<std::string> strings;
      for (std::uint32_t k = 0; k < array.Length(); ++k) strings.push_back(array.Get(k).ToString().Utf8Value());
      settings.values[name] = std::move(strings);
    } else {
      fail_argument(object.Env(), "expected a number, a boolean, a string or an array of strings for " + name);
    }
  }
  return settings;
}

training::CriterionTerm term_fields(const Napi::Object& object) {
  training::CriterionTerm term;
  term.objective = settings_of(object_field(object, "objective"));
  term.weight = static_cast<float>(number_field(object, "weight"));
  const Napi::Array dims = array_field(object, "matryoshkaDims");
  const Napi::Array weights = array_field(object, "matryoshkaWeights");
  if (dims.Length() != weights.Length()) fail_argument(object.Env(), "expected as many weights as dims");
  for (std::uint32_t i = 0; i < dims.Length(); ++i) {
    const double dim = dims.Get(i).ToNumber().DoubleValue();
    if (!(dim >= 1 && dim <= 1e9)) fail_argument(object.Env(), "expected positive matryoshkaDims");
    term.matryoshka.push_back({static_cast<std::size_t>(dim), weights.Get(i).ToNumber().FloatValue()});
  }
  term.dims_per_step = integer_field(object, "dimsPerStep");
  return term;
}

std::vector<training::CriterionTerm> loss_field(const Napi::Object& config) {
  std::vector<training::CriterionTerm> terms;
  const Napi::Array loss = array_field(config, "loss");
  for (std::uint32_t i = 0; i < loss.Length(); ++i) {
    const Napi::Value term = loss.Get(i);
    if (!term.IsObject()) fail_argument(config.Env(), "expected objects for loss");
    terms.push_back(term_fields(term.As<Napi::Object>()));
  }
  return terms;
}

training::OptimizerConfig optimizer_fields(const Napi::Object& config) {
  training::OptimizerConfig optimizer;
  optimizer.kind = string_field(config, "optimizer") == "sparse_adam" ? training::OptimizerKind::kSparseAdam
                                                                      : training::OptimizerKind::kAdamW;
  optimizer.beta1 = static_cast<float>(number_field(config, "beta1"));
  optimizer.beta2 = static_cast<float>(number_field(config, "beta2"));
  optimizer.eps = static_cast<float>(number_field(config, "eps"));
  optimizer.weight_decay = static_cast<float>(number_field(config, "weightDecay"));
  if (!config.Get("maxGradNorm").IsNull()) {
    optimizer.max_grad_norm = static_cast<float>(number_field(config, "maxGradNorm"));
  }
  return optimizer;
}

training::SamplerKind sampler_field(const Napi::Object& config) {
  const std::string name = string_field(config, "batchSampler");
  if (name == "sequential") return training::SamplerKind::kSequential;
  if (name == "random") return training::SamplerKind::kRandom;
  if (name != "no_duplicates") fail_argument(config.Env(), "unknown batchSampler " + name);
  return training::SamplerKind::kNoDuplicates;
}

}  // namespace

Napi::Function TrainingRun::define(Napi::Env env) {
  return define_class(env, {
                               instance_accessor<&TrainingRun::batches_per_epoch>("batchesPerEpoch"),
                               instance_method<&TrainingRun::start>("start"),
                               instance_method<&TrainingRun::advance>("advance"),
                               instance_method<&TrainingRun::stop>("stop"),
                               instance_method<&TrainingRun::snapshot>("snapshot"),
                               instance_method<&TrainingRun::state>("state"),
                               instance_method<&TrainingRun::copy_state>("copyState"),
                               instance_method<&TrainingRun::restore>("restore"),
                               instance_method<&TrainingRun::gradient>("gradient"),
                               instance_method<&TrainingRun::release>("release"),
                           });
}

TrainingRun::TrainingRun(const Napi::CallbackInfo& info)
    : ObjectWrap<TrainingRun>(info), state_(std::make_shared<State>()) {
  const Napi::Env env = info.Env();
  std::shared_ptr<const model::EmbeddingTable> initial = object_argument<Table>(info, 0, "table").table();
  if (!info[1].IsArray() || !info[2].IsObject()) fail_argument(env, "expected columns and a config");
  const auto columns = info[1].As<Napi::Array>();
  for (std::uint32_t i = 0; i < columns.Length(); ++i) {
    state_->source.columns.push_back(unwrap(env, object_value<TokenColumn>(columns.Get(i), "columns").freeze()));
    state_->column_pointers.push_back(state_->source.columns.back().get());
  }
  if (state_->source.columns.empty()) fail_argument(env, "expected one or more columns");
  const std::size_t rows = state_->source.rows();
  for (const auto& column : state_->source.columns) {
    if (column->count() != rows) fail_argument(env, "expected columns of one length");
  }
  if (rows > UINT32_MAX - 1) fail(env, {Code::kUnsupported, "more than 2^32 - 2 rows"});

  const auto config = info[2].As<Napi::Object>();
  auto setup = std::make_unique<State::Setup>();
  setup->initial = std::move(initial);
  setup->seed = integer_field(config, "seed");
  setup->batch_size = integer_field(config, "batchSize");
  if (setup->batch_size < 2) fail_argument(env, "expected a batchSize of at least 2");
  setup->sampler = sampler_field(config);
  setup->drop_last = boolean_field(config, "dropLast");
  if (string_field(config, "precision") == "bfloat16") setup->precision = training::Precision::kBfloat16;
  setup->loss = loss_field(config);
  setup->optimizer = optimizer_fields(config);
  state_->setup = std::move(setup);
}

// start(): Promise<void>. Copies the table and looks at the texts, once, before anything else.
Napi::Value TrainingRun::start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (state_->busy || state_->setup == nullptr) fail_argument(env, "the run has been started");
  return run_on_thread(
      env,
      [state = state_, &pool = Environment::of(env).pool()](const std::atomic<bool>&) -> Settle {
        const State::Setup& setup = *state->setup;
        auto initial = setup.initial;
        if (initial->dtype() != model::Dtype::kF32) {
          auto converted = initial->convert(model::Dtype::kF32, pool);
          if (!converted.is_ok()) return settle_failure(converted.status());
          initial = converted.value();
        }
        const std::span values(reinterpret_cast<const float*>(initial->data()), initial->rows() * initial->dim());
        auto criterion = training::Criterion::create(pool, initial->dim(), setup.loss, setup.precision);
        if (!criterion.is_ok()) return settle_failure(criterion.status());
        if (Status status = criterion.value()->check(state->source); !status.is_ok()) return settle_failure(status);
        auto trainer =
            training::Trainer::create(pool, values, initial->rows(), initial->dim(), setup.optimizer, setup.seed);
        if (!trainer.is_ok()) return settle_failure(trainer.status());
        state->sampler = std::make_unique<training::BatchSampler>(setup.sampler, state->column_pointers,
                                                                  setup.batch_size, setup.drop_last, setup.seed);
        state->criterion = std::move(criterion.value());
        state->trainer = std::move(trainer.value());
        state->setup.reset();
        return [](Napi::Env settled) -> Napi::Value { return settled.Undefined(); };
      },
      hold(state_, state_->busy));
}

void TrainingRun::check_idle(Napi::Env env) const {
  if (state_->busy) fail_argument(env, "the run is at work");
  if (state_->trainer == nullptr) fail_argument(env, "the run has not been started");
}

Napi::Value TrainingRun::batches_per_epoch(const Napi::CallbackInfo& info) {
  if (state_->sampler == nullptr) fail_argument(info.Env(), "the run has not been started");
  return Napi::Number::New(info.Env(), static_cast<double>(state_->sampler->batches_per_epoch()));
}

// advance(learningRates: Float64Array, epochs, milliseconds): Promise<Float64Array>. Takes one step a learning rate,
// until they, the epochs or the time are used up or stop() is called. Gives ten numbers for each step taken: loss,
// gradient norm, rows, epoch, and the seconds of its stages (drawing the batch, index, catch-up, pooling, loss,
// update).
Napi::Value TrainingRun::advance(const Napi::CallbackInfo& info) {
  const std::span<const double> rates = array_argument<double>(info, 0, "learningRates");
  const std::uint64_t epochs = integer_argument(info, 1, "epochs");
  const auto time = std::chrono::duration<double, std::milli>(number_argument(info, 2, "milliseconds"));
  check_idle(info.Env());
  return run_on_thread(
      info.Env(),
      [state = state_, rates = std::vector<double>(rates.begin(), rates.end()), epochs,
       time](const std::atomic<bool>& cancelled) -> Settle {
        const auto start = std::chrono::steady_clock::now();
        std::vector<double> records;
        Status status = Status::ok();
        for (const double rate : rates) {
          if (cancelled || state->stopping || (!records.empty() && std::chrono::steady_clock::now() - start >= time))
            break;
          const auto begin = std::chrono::steady_clock::now();
          if (!state->next_batch(epochs, cancelled)) break;
          const std::chrono::duration<double> drawing = std::chrono::steady_clock::now() - begin;
          Result<training::StepReport> report =
              state->trainer->step(*state->criterion, state->source, state->batch, rate,
                                   [&] { return cancelled.load() || state->stopping.load(); });
          if (!report.is_ok()) {
            state->batch_waits = true;
            // The steps before it are reported first: the next call comes upon the same failure.
            if (records.empty() && report.status().code != Code::kAborted) status = report.status();
            break;
          }
          const training::StepReport& step = report.value();
          const training::StepTimes& seconds = step.seconds;
          records.insert(records.end(), {step.loss, step.grad_norm, static_cast<double>(state->batch.size()),
                                         static_cast<double>(state->epoch), drawing.count(), seconds.index,
                                         seconds.catch_up, seconds.pooling, seconds.loss, seconds.update});
        }
        return [records = std::move(records), status](Napi::Env env) -> Napi::Value {
          if (!status.is_ok()) fail(env, status);
          auto array = new_array<double>(env, records.size());
          std::ranges::copy(records, array.Data());
          return array;
        };
      },
      hold(state_, state_->busy));
}

// Ends a running advance() soon: a step that has not yet moved the table is given up, and comes next.
Napi::Value TrainingRun::stop(const Napi::CallbackInfo& info) {
  state_->stopping = true;
  return info.Env().Undefined();
}

// snapshot(): Promise<Table>, the table as it stands now.
Napi::Value TrainingRun::snapshot(const Napi::CallbackInfo& info) {
  check_idle(info.Env());
  return run_on_thread(
      info.Env(),
      [state = state_](const std::atomic<bool>&) -> Settle {
        const training::Trainer& trainer = *state->trainer;
        Status status = Status::ok();
        auto table = model::EmbeddingTable::from_f32(trainer.rows(), trainer.dim(), [&](float* out) {
          status = trainer.snapshot({out, trainer.rows() * trainer.dim()});
        });
        return [status, table = std::move(table)](Napi::Env env) -> Napi::Value {
          if (!status.is_ok()) fail(env, status);
          return Table::wrap(env, unwrap(env, table));
        };
      },
      hold(state_, state_->busy));
}

// state(): all that the next steps depend on but the three tables, which copyState() gives.
Napi::Value TrainingRun::state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  check_idle(env);
  const training::TrainerState trainer = state_->trainer->state();
  std::vector<std::uint32_t> remaining = state_->sampler->remaining();
  if (state_->batch_waits) remaining.insert(remaining.begin(), state_->batch.begin(), state_->batch.end());
  auto last_steps = new_array<std::uint32_t>(env, trainer.last_steps.size());
  auto learning_rates = new_array<double>(env, trainer.learning_rates.size());
  auto remaining_rows = new_array<std::uint32_t>(env, remaining.size());
  std::ranges::copy(trainer.last_steps, last_steps.Data());
  std::ranges::copy(trainer.learning_rates, learning_rates.Data());
  std::ranges::copy(remaining, remaining_rows.Data());
  Napi::Object result = Napi::Object::New(env);
  result.Set("lastSteps", last_steps);
  result.Set("learningRates", learning_rates);
  result.Set("historyBegin", static_cast<double>(trainer.history_begin));
  result.Set("randomState", std::to_string(trainer.random_state));
  result.Set("epoch", static_cast<double>(state_->epoch));
  result.Set("epochBegun", state_->epoch_begun);
  result.Set("remainingRows", remaining_rows);
  return result;
}

// copyState(table: 'weights' | 'firstMoment' | 'secondMoment', begin, target: Float32Array): values from `begin` on
Napi::Value TrainingRun::copy_state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  check_idle(env);
  const std::string name = string_argument(info, 0, "table");
  const training::TrainerState trainer = state_->trainer->state();
  const std::span<const float> values = name == "weights"       ? trainer.table
                                        : name == "firstMoment" ? trainer.first_moment
                                                                : trainer.second_moment;
  const std::uint64_t begin = integer_argument(info, 1, "begin");
  const std::span<float> target = array_argument<float>(info, 2, "target");
  if (begin > values.size() || target.size() > values.size() - begin) {
    fail(env, {Code::kOutOfRange, "the values to copy end after the table"});
  }
  std::ranges::copy(values.subspan(begin, target.size()), target.begin());
  return env.Undefined();
}

// restore(weights, firstMoment, secondMoment: Table, state): Promise<void>
Napi::Value TrainingRun::restore(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto table = [&](std::size_t index, const char* name) {
    const auto& table = object_argument<Table>(info, index, name).table();
    if (table->dtype() != model::Dtype::kF32) fail_argument(env, std::string("expected a float32 table for ") + name);
    return table;
  };
  const auto weights = table(0, "weights"), first_moment = table(1, "firstMoment");
  const auto second_moment = table(2, "secondMoment");
  if (!info[3].IsObject()) fail_argument(env, "expected an object for state");
  const auto object = info[3].As<Napi::Object>();
  const auto last_steps = array_field_of<std::uint32_t>(object, "lastSteps");
  const auto learning_rates = array_field_of<double>(object, "learningRates");
  const auto remaining = array_field_of<std::uint32_t>(object, "remainingRows");
  const std::uint64_t history_begin = integer_field(object, "historyBegin");
  const std::string random_state = string_field(object, "randomState");
  const std::uint64_t epoch = integer_field(object, "epoch");
  const bool epoch_begun = boolean_field(object, "epochBegun");
  check_idle(env);  // only now: reading a field may run JavaScript

  return run_on_thread(
      env,
      [state = state_, weights, first_moment, second_moment, history_begin, random_state, epoch, epoch_begun,
       last_steps = std::vector(last_steps.begin(), last_steps.end()),
       learning_rates = std::vector(learning_rates.begin(), learning_rates.end()),
       remaining = std::vector(remaining.begin(), remaining.end())](const std::atomic<bool>&) -> Settle {
        std::vector<bool> seen(state->sampler->rows());
        for (const std::uint32_t row : remaining) {
          if (row >= seen.size() || seen[row]) {
            return settle_failure({Code::kCorrupt, "remainingRows are not rows of the dataset"});
          }
          seen[row] = true;
        }
        const auto values = [](const model::EmbeddingTable& of) {
          return std::span(reinterpret_cast<const float*>(of.data()), of.rows() * of.dim());
        };
        training::TrainerState trainer;
        trainer.table = values(*weights);
        trainer.first_moment = values(*first_moment);
        trainer.second_moment = values(*second_moment);
        trainer.last_steps = last_steps;
        trainer.learning_rates = learning_rates;
        trainer.history_begin = history_begin;
        trainer.random_state = std::strtoull(random_state.c_str(), nullptr, 10);
        const Status status = state->trainer->restore(trainer);
        if (!status.is_ok()) return settle_failure(status);
        state->sampler->restore(remaining);
        state->epoch = epoch;
        state->epoch_begun = epoch_begun;
        state->batch_waits = false;
        return [](Napi::Env settled) -> Napi::Value { return settled.Undefined(); };
      },
      hold(state_, state_->busy));
}

// release(): void. Lets go of tables and texts at once, but for work in flight. The run can do nothing any more.
Napi::Value TrainingRun::release(const Napi::CallbackInfo& info) {
  state_ = std::make_shared<State>();
  return info.Env().Undefined();
}

// gradient(rows: Uint32Array, out: Float32Array): number. The loss of a batch and its dense gradient; for tests.
Napi::Value TrainingRun::gradient(const Napi::CallbackInfo& info) {
  check_idle(info.Env());
  const std::vector<std::uint32_t> rows = array_copy_argument<std::uint32_t>(info, 0, "rows");
  const std::span<float> out = array_argument<float>(info, 1, "out");
  return Napi::Number::New(
      info.Env(), unwrap(info.Env(), state_->trainer->gradient(*state_->criterion, state_->source, rows, out)));
}

}  // namespace stillvec::binding
