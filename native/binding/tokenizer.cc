#include "binding/tokenizer.h"

#include <string>
#include <utility>

#include "binding/fields.h"
#include "binding/task.h"
#include "binding/texts.h"

namespace stillvec::binding {
namespace {

std::uint32_t id_field(const Napi::Object& object, const char* name) {
  const std::uint64_t value = integer_field(object, name);
  if (value > UINT32_MAX) fail(object.Env(), {Code::kOutOfRange, std::string(name) + " is beyond 2^32 - 1"});
  return static_cast<std::uint32_t>(value);
}

std::optional<text::BertNormalizer> normalizer_field(const Napi::Object& config) {
  if (config.Get("normalizer").IsNull()) return std::nullopt;
  const Napi::Object object = object_field(config, "normalizer");
  text::BertNormalizer normalizer;
  normalizer.clean_text = boolean_field(object, "cleanText");
  normalizer.handle_chinese_chars = boolean_field(object, "handleChineseChars");
  normalizer.lowercase = boolean_field(object, "lowercase");
  if (!object.Get("stripAccents").IsNull()) normalizer.strip_accents = boolean_field(object, "stripAccents");
  return normalizer;
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
  const TextArena vocabulary = TextArena::read(info, 0);
  if (!info[3].IsObject()) fail_argument(info.Env(), "expected an object for config");
  const auto config = info[3].As<Napi::Object>();

  text::WordPieceConfig parsed;
  parsed.vocabulary.reserve(vocabulary.count());
  for (std::size_t i = 0; i < vocabulary.count(); ++i) parsed.vocabulary.emplace_back(vocabulary.view()[i]);
  parsed.unk_token = string_field(config, "unkToken");
  parsed.continuing_subword_prefix = string_field(config, "continuingSubwordPrefix");
  parsed.max_input_chars_per_word = integer_field(config, "maxInputCharsPerWord");
  parsed.added_tokens = added_tokens_field(config);
  parsed.normalizer = normalizer_field(config);
  parsed.truncation = truncation_field(config);
  parsed.selection = selection_field(config);
  config_ = std::make_shared<text::WordPieceConfig>(std::move(parsed));
}

// build(): Promise<void>. Makes what texts are looked up in, once; the tokenizer is of no use before.
Napi::Value Tokenizer::build(const Napi::CallbackInfo& info) {
  if (config_ == nullptr) fail_argument(info.Env(), "the tokenizer is built, or being built");
  return run_on_thread(info.Env(), [config = std::move(config_), state = state_](const std::atomic<bool>&) -> Settle {
    auto tokenizer = text::WordPieceTokenizer::create(std::move(*config));
    if (!tokenizer.is_ok()) return settle_failure(tokenizer.status());
    return [state, tokenizer = std::move(tokenizer.value())](Napi::Env env) -> Napi::Value {
      state->tokenizer = tokenizer;
      return env.Undefined();
    };
  });
}

}  // namespace stillvec::binding
