#include "binding/training_run.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/environment.h"
#include "binding/fields.h"
#include "binding/pooling.h"
#include "binding/table.h"
#include "binding/task.h"
#include "binding/training_loss.h"
#include "binding/training_source.h"

namespace stillvec::binding {

struct TrainingRun::State {
  // What build() needs.
  struct Setup {
    std::shared_ptr<const model::EmbeddingTable> initial;
    std::vector<training::RunSource> sources;
    training::RunConfig config;
  };

  std::unique_ptr<Setup> setup;        // until build() has it
  std::unique_ptr<training::Run> run;  // from then on
  std::atomic<bool> stopping = false;
  bool busy = false;  // JavaScript thread only
};

namespace {

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

training::RunSource run_source(const Napi::Value& value) {
  if (!value.IsObject()) fail_argument(value.Env(), "expected objects for sources");
  const auto object = value.As<Napi::Object>();
  return {string_field(object, "name"), source_value(object), integer_field(object, "loss")};
}

training::RunConfig run_fields(const Napi::Object& config) {
  training::RunConfig run;
  run.seed = integer_field(config, "seed");
  run.batch_size = integer_field(config, "batchSize");
  run.batch_sampler = string_field(config, "batchSampler");
  run.multi_dataset_batch_sampler = string_field(config, "multiDatasetBatchSampler");
  run.drop_last = boolean_field(config, "dropLast");
  run.precision = precision_field(config);
  run.optimizer = optimizer_fields(config);
  run.pooling = pooling_value(config.Get("pooling"));
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
  set("dataset", [](const Step& step) { return static_cast<double>(step.source); });
  set("epoch", [](const Step& step) { return static_cast<double>(step.epoch); });
  set("epochsDone", [](const Step& step) { return step.epochs_done; });
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
                               instance_method<&TrainingRun::build>("build"),
                               instance_method<&TrainingRun::count_steps>("countSteps"),
                               instance_method<&TrainingRun::advance>("advance"),
                               instance_method<&TrainingRun::stop>("stop"),
                               instance_method<&TrainingRun::snapshot>("snapshot"),
                               instance_method<&TrainingRun::finish>("finish"),
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
  if (!info[1].IsArray() || !info[2].IsArray() || !info[3].IsObject()) {
    fail_argument(env, "expected sources, losses and a config");
  }
  const auto sources = info[1].As<Napi::Array>(), losses = info[2].As<Napi::Array>();
  for (std::uint32_t i = 0; i < sources.Length(); ++i) setup->sources.push_back(run_source(sources.Get(i)));
  setup->config = run_fields(info[3].As<Napi::Object>());
  for (std::uint32_t i = 0; i < losses.Length(); ++i) setup->config.losses.push_back(loss_value(losses.Get(i)));
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
        auto run = training::Run::create(pool, setup->initial, std::move(setup->sources), std::move(setup->config));
        if (!run.is_ok()) return settle_failure(run.status());
        state->run = std::move(run.value());
        return [](Napi::Env settled) -> Napi::Value { return settled.Undefined(); };
      },
      hold(state_, state_->busy));
}

void TrainingRun::check_idle(Napi::Env env) const {
  if (state_->busy) fail_argument(env, "the run is at work");
  if (state_->run == nullptr) fail_argument(env, "the run has not been built, or it is over");
}

// countSteps(epochs, most): Promise<number>. How many steps so many epochs hold, or `most` where they are more.
Napi::Value TrainingRun::count_steps(const Napi::CallbackInfo& info) {
  const std::uint64_t epochs = integer_argument(info, 0, "epochs"), most = integer_argument(info, 1, "most");
  check_idle(info.Env());
  return run_on_thread(
      info.Env(),
      [state = state_, epochs, most](const std::atomic<bool>& cancelled) -> Settle {
        auto steps = state->run->count_steps(epochs, most, [&] { return cancelled || state->stopping; });
        return [steps = std::move(steps)](Napi::Env settled) -> Napi::Value {
          return Napi::Number::New(settled, static_cast<double>(unwrap(settled, steps)));
        };
      },
      hold(state_, state_->busy));
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

// finish(): Promise<Table>, the same in the run's own memory. The run can do nothing any more.
Napi::Value TrainingRun::finish(const Napi::CallbackInfo& info) {
  check_idle(info.Env());
  return run_on_thread(
      info.Env(),
      [state = state_](const std::atomic<bool>&) -> Settle {
        const std::unique_ptr<training::Run> run = std::move(state->run);
        return [table = std::move(*run).finish()](Napi::Env settled) { return Table::wrap(settled, table); };
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
  set("losses", std::span<const double>(state.losses));
  result.Set("historyBegin", static_cast<double>(state.trainer.history_begin));
  result.Set("randomState", std::to_string(state.trainer.random_state));
  result.Set("epoch", static_cast<double>(state.epoch));
  result.Set("stepsOfEpoch", static_cast<double>(state.steps_of_epoch));
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
  saved.losses = array_field_of<double>(object, "losses");
  saved.trainer.random_state = std::strtoull(string_field(object, "randomState").c_str(), nullptr, 10);
  saved.epoch = integer_field(object, "epoch");
  saved.steps_of_epoch = integer_field(object, "stepsOfEpoch");
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

// gradient(rows: Uint32Array, out: Float32Array): number. The loss of a batch of the first source and its dense
// gradient; for tests.
Napi::Value TrainingRun::gradient(const Napi::CallbackInfo& info) {
  check_idle(info.Env());
  const std::vector<std::uint32_t> rows = array_copy_argument<std::uint32_t>(info, 0, "rows");
  const std::span<float> out = array_argument<float>(info, 1, "out");
  return Napi::Number::New(info.Env(), unwrap(info.Env(), state_->run->gradient(rows, out)));
}

}  // namespace stillvec::binding
