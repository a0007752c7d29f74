#include "binding/tokenizer.h"

#include <string>
#include <utility>

#include "binding/fields.h"
#include "binding/task.h"
#include "binding/texts.h"
#include "binding/tokenizer_steps.h"
#include "text/pipeline_tokenizer.h"

namespace stillvec::binding {
namespace {

std::uint32_t id_field(const Napi::Object& object, const char* name) {
  const std::uint64_t value = integer_field(object, name);
  if (value > UINT32_MAX) fail(object.Env(), {Code::kOutOfRange, std::string(name) + " is beyond 2^32 - 1"});
  return static_cast<std::uint32_t>(value);
}

std::optional<text::Truncation> truncation_field(const Napi::Object& config) {
  if (config.Get("truncation").IsNull()) return std::nullopt;
  const Napi::Object object = object_field(config, "truncation");
  return text::Truncation{integer_field(object, "maxLength"), boolean_field(object, "fromLeft")};
}

std::optional<text::TokenSelection> selection_field(const Napi::Object& config) {
  if (config.Get("selection").IsNull()) return std::nullopt;
  const Napi::Object object = object_field(config, "selection");
  text::TokenSelection selection;
  selection.max_code_points = integer_field(object, "maxCodePoints");
  if (!object.Get("droppedId").IsNull()) selection.dropped_id = id_field(object, "droppedId");
  selection.max_tokens = integer_field(object, "maxTokens");
  return selection;
}

std::vector<text::AddedToken> added_tokens_field(const Napi::Object& config) {
  const Napi::Array array = array_field(config, "addedTokens");
  std::vector<text::AddedToken> tokens;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    Napi::HandleScope scope(config.Env());
    const Napi::Value value = array.Get(i);
    if (!value.IsObject()) fail_argument(config.Env(), "expected objects in addedTokens");
    const auto token = value.As<Napi::Object>();
    tokens.push_back({string_field(token, "content"), id_field(token, "id"), boolean_field(token, "singleWord"),
                      boolean_field(token, "lstrip"), boolean_field(token, "rstrip"),
                      boolean_field(token, "normalized"), boolean_field(token, "special")});
  }
  return tokens;
}

}  // namespace

Napi::Function Tokenizer::define(Napi::Env env) {
  return define_class(env, {instance_method<&Tokenizer::build>("build")});
}

Tokenizer::Tokenizer(const Napi::CallbackInfo& info) : ObjectWrap<Tokenizer>(info) {
  const TextArena arena = TextArena::read(info, 0);
  if (!info[3].IsObject()) fail_argument(info.Env(), "expected an object for config");
  const auto object = info[3].As<Napi::Object>();

  std::vector<std::string> vocabulary;
  vocabulary.reserve(arena.count());
  for (std::size_t i = 0; i < arena.count(); ++i) vocabulary.emplace_back(arena.view()[i]);
  text::TokenizerConfig config;
  config.added_tokens = added_tokens_field(object);
  config.truncation = truncation_field(object);
  config.selection = selection_field(object);
  make_ = [vocabulary = std::move(vocabulary), make_pipeline = read_pipeline(object),
           config = std::move(config)]() -> Result<std::shared_ptr<const text::Tokenizer>> {
    auto pipeline = make_pipeline(vocabulary);
    if (!pipeline.is_ok()) return pipeline.status();
    return text::PipelineTokenizer::create(std::move(pipeline.value()), config);
  };
}

// build(): Promise<void>. Makes what texts are looked up in, once; the tokenizer is of no use before.
Napi::Value Tokenizer::build(const Napi::CallbackInfo& info) {
  if (!make_) fail_argument(info.Env(), "the tokenizer is built, or being built");
  const auto make = std::exchange(make_, nullptr);
  return run_on_thread(info.Env(), [make, state = state_](const std::atomic<bool>&) -> Settle {
    auto tokenizer = make();
    if (!tokenizer.is_ok()) return settle_failure(tokenizer.status());
    return [state, tokenizer = std::move(tokenizer.value())](Napi::Env env) -> Napi::Value {
      state->tokenizer = tokenizer;
      return env.Undefined();
    };
  });
}

}  // namespace stillvec::binding
