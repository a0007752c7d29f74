#include "binding/training_run.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/environment.h"
#include "binding/fields.h"
#include "binding/table.h"
#include "binding/task.h"
#include "binding/training_source.h"

namespace stillvec::binding {

struct TrainingRun::State {
  // What build() needs.
  struct Setup {
    std::shared_ptr<const model::EmbeddingTable> initial;
    training::Source source;
    training::RunConfig config;
  };

  std::unique_ptr<Setup> setup;        // until build() has it
  std::unique_ptr<training::Run> run;  // from then on
  std::atomic<bool> stopping = false;
  // JavaScript thread only:
  bool busy = false;
  std::optional<std::size_t> batches_per_epoch;  // once build() is done
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

training::RunConfig run_fields(const Napi::Object& config) {
  training::RunConfig run;
  run.seed = integer_field(config, "seed");
  run.batch_size = integer_field(config, "batchSize");
  run.sampler = sampler_field(config);
  run.drop_last = boolean_field(config, "dropLast");
  if (string_field(config, "precision") == "bfloat16") run.precision = training::Precision::kBfloat16;
  run.loss = loss_field(config);
  run.optimizer = optimizer_fields(config);
  return run;
}

// One array a field of the steps, with a value for each of them.
Napi::Value to_object(Napi::Env env, const std::vector<training::RunStep>& steps) {
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&](const char* name, auto&& value_of) {
    auto array = new_array<double>(env, steps.size());
    std::ranges::transform(steps, array.Data(), [&](const training::RunStep& step) { return value_of(step); });
    object.Set(name, array);
  };
  using Step = training::RunStep;
  set("loss", [](const Step& step) { return step.report.loss; });
  set("gradNorm", [](const Step& step) { return step.report.grad_norm; });
  set("rows", [](const Step& step) { return static_cast<double>(step.rows); });
  set("epoch", [](const Step& step) { return static_cast<double>(step.epoch); });
  set("sampling", [](const Step& step) { return step.sampling; });
  set("index", [](const Step& step) { return step.report.seconds.index; });
  set("catchUp", [](const Step& step) { return step.report.seconds.catch_up; });
  set("pooling", [](const Step& step) { return step.report.seconds.pooling; });
  set("lossSeconds", [](const Step& step) { return step.report.seconds.loss; });
  set("update", [](const Step& step) { return step.report.seconds.update; });
  return object;
}

}  // namespace

Napi::Function TrainingRun::define(Napi::Env env) {
  return define_class(env, {
                               instance_accessor<&TrainingRun::batches_per_epoch>("batchesPerEpoch"),
                               instance_method<&TrainingRun::build>("build"),
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
  auto setup = std::make_unique<State::Setup>();
  setup->initial = object_argument<Table>(info, 0, "table").table();
  if (!info[1].IsObject() || !info[2].IsObject()) fail_argument(env, "expected a source and a config");
  setup->source = source_value(info[1].As<Napi::Object>());
  setup->config = run_fields(info[2].As<Napi::Object>());
  state_->setup = std::move(setup);
}

// build(): Promise<void>. Copies the table and looks at the texts, once, before anything else.
Napi::Value TrainingRun::build(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (state_->busy || state_->setup == nullptr) fail_argument(env, "the run has been built");
  return run_on_thread(
      env,
      [state = state_, &pool = Environment::of(env).pool()](const std::atomic<bool>&) -> Settle {
        const std::unique_ptr<State::Setup> setup = std::move(state->setup);
        auto run = training::Run::create(pool, *setup->initial, std::move(setup->source), std::move(setup->config));
        if (!run.is_ok()) return settle_failure(run.status());
        state->run = std::move(run.value());
        return [state](Napi::Env settled) -> Napi::Value {
          state->batches_per_epoch = state->run->batches_per_epoch();
          return settled.Undefined();
        };
      },
      hold(state_, state_->busy));
}

void TrainingRun::check_idle(Napi::Env env) const {
  if (state_->busy) fail_argument(env, "the run is at work");
  if (state_->run == nullptr) fail_argument(env, "the run has not been built");
}

Napi::Value TrainingRun::batches_per_epoch(const Napi::CallbackInfo& info) {
  if (!state_->batches_per_epoch) fail_argument(info.Env(), "the run has not been built");
  return Napi::Number::New(info.Env(), static_cast<double>(*state_->batches_per_epoch));
}

// advance(learningRates: Float64Array, epochs, milliseconds): Promise<NativeSteps>. Takes one step a learning rate,
// until they, the epochs or the time are used up or stop() is called.
Napi::Value TrainingRun::advance(const Napi::CallbackInfo& info) {
  const std::span<const double> rates = array_argument<double>(info, 0, "learningRates");
  const std::uint64_t epochs = integer_argument(info, 1, "epochs");
  const auto time = training::Run::Milliseconds(number_argument(info, 2, "milliseconds"));
  check_idle(info.Env());
  return run_on_thread(
      info.Env(),
      [state = state_, rates = std::vector<double>(rates.begin(), rates.end()), epochs,
       time](const std::atomic<bool>& cancelled) -> Settle {
        auto steps = state->run->advance(rates, epochs, time, [&] { return cancelled || state->stopping; });
        return [steps = std::move(steps)](Napi::Env settled) { return to_object(settled, unwrap(settled, steps)); };
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
        return [table = state->run->snapshot()](Napi::Env settled) {
          return Table::wrap(settled, unwrap(settled, table));
        };
      },
      hold(state_, state_->busy));
}

// state(): all that the next steps depend on but the three tables, which copyState() gives.
Napi::Value TrainingRun::state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  check_idle(env);
  const training::RunState state = state_->run->state();
  Napi::Object result = Napi::Object::New(env);
  const auto set = [&]<typename T>(const char* name, std::span<const T> values) {
    auto array = new_array<T>(env, values.size());
    std::ranges::copy(values, array.Data());
    result.Set(name, array);
  };
  set("lastSteps", state.trainer.last_steps);
  set("learningRates", state.trainer.learning_rates);
  set("remainingRows", std::span<const std::uint32_t>(state.remaining_rows));
  result.Set("historyBegin", static_cast<double>(state.trainer.history_begin));
  result.Set("randomState", std::to_string(state.trainer.random_state));
  result.Set("epoch", static_cast<double>(state.epoch));
  result.Set("epochBegun", state.epoch_begun);
  return result;
}

// copyState(table: 'weights' | 'firstMoment' | 'secondMoment', begin, target: Float32Array): values from `begin` on
Napi::Value TrainingRun::copy_state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  check_idle(env);
  const std::string name = string_argument(info, 0, "table");
  const training::TrainerState trainer = state_->run->state().trainer;
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
  // The arrays that the state's spans see.
  struct Arrays {
    std::vector<std::uint32_t> last_steps;
    std::vector<double> learning_rates;
  };
  const auto arrays = std::make_shared<Arrays>();
  arrays->last_steps = array_field_of<std::uint32_t>(object, "lastSteps");
  arrays->learning_rates = array_field_of<double>(object, "learningRates");
  training::RunState saved;
  const auto values = [](const model::EmbeddingTable& of) {
    return std::span(reinterpret_cast<const float*>(of.data()), of.rows() * of.dim());
  };
  saved.trainer.table = values(*weights);
  saved.trainer.first_moment = values(*first_moment);
  saved.trainer.second_moment = values(*second_moment);
  saved.trainer.last_steps = arrays->last_steps;
  saved.trainer.learning_rates = arrays->learning_rates;
  saved.trainer.history_begin = integer_field(object, "historyBegin");
  saved.trainer.random_state = std::strtoull(string_field(object, "randomState").c_str(), nullptr, 10);
  saved.epoch = integer_field(object, "epoch");
  saved.epoch_begun = boolean_field(object, "epochBegun");
  saved.remaining_rows = array_field_of<std::uint32_t>(object, "remainingRows");
  check_idle(env);  // only now: reading a field may run JavaScript

  return run_on_thread(
      env,
      [state = state_, saved = std::move(saved), arrays, weights, first_moment,
       second_moment](const std::atomic<bool>&) -> Settle {
        const Status status = state->run->restore(saved);
        if (!status.is_ok()) return settle_failure(status);
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
  return Napi::Number::New(info.Env(), unwrap(info.Env(), state_->run->gradient(rows, out)));
}

}  // namespace stillvec::binding
