#include "binding/tokenizer_steps.h"

#include <optional>
#include <string_view>
#include <utility>

#include "binding/fields.h"
#include "text/bpe/bpe.h"
#include "text/steps/byte_level.h"
#include "text/steps/metaspace.h"
#include "text/steps/normalizers.h"
#include "text/steps/precompiled.h"
#include "text/steps/splits.h"
#include "text/steps/steps_pipeline.h"
#include "text/unigram/unigram.h"
#include "text/wordlevel/word_level.h"
#include "text/wordpiece/bert_pipeline.h"
#include "text/wordpiece/word_piece_model.h"

namespace stillvec::binding {
namespace {

using text::NormalizerPtr;
using text::PreTokenizerPtr;
using text::unicode::NormalForm;

// ---- Steps ----------------------------------------------------------------------------------------------------------

// { literal } or { regex }
text::PatternPtr pattern_field(const Napi::Object& step) {
  const Napi::Object pattern = object_field(step, "pattern");
  if (!pattern.Has("regex")) return text::literal_pattern(string_field(pattern, "literal"));
  auto made = text::regex_pattern(string_field(pattern, "regex"));
  if (!made.is_ok()) fail(step.Env(), made.status());
  return std::move(made.value());
}

// One of `names`, by its place.
std::size_t choice_field(const Napi::Object& step, const char* name, std::initializer_list<std::string_view> names) {
  const std::string value = string_field(step, name);
  const auto* const found = std::find(names.begin(), names.end(), value);
  if (found == names.end()) fail_argument(step.Env(), std::string("unexpected ") + name + " " + value);
  return static_cast<std::size_t>(found - names.begin());
}

text::SplitBehavior behavior_field(const Napi::Object& step) {
  return static_cast<text::SplitBehavior>(
      choice_field(step, "behavior", {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"}));
}

text::BertNormalizer bert_fields(const Napi::Object& step) {
  text::BertNormalizer normalizer;
  normalizer.clean_text = boolean_field(step, "cleanText");
  normalizer.handle_chinese_chars = boolean_field(step, "handleChineseChars");
  normalizer.lowercase = boolean_field(step, "lowercase");
  if (!step.Get("stripAccents").IsNull()) normalizer.strip_accents = boolean_field(step, "stripAccents");
  return normalizer;
}

char32_t character_field(const Napi::Object& step, const char* name) {
  const Napi::Value value = step.Get(name);
  if (!value.IsString()) fail_argument(step.Env(), std::string("expected a string for ") + name);
  const std::u16string units = value.As<Napi::String>().Utf16Value();
  if (units.size() == 2) return 0x10000 + ((char32_t{units[0]} & 0x3ff) << 10 | (units[1] & 0x3ffu));
  return units.empty() ? 0 : units[0];
}

template <typename Step>
struct Maker {
  std::string_view type;
  Step (*make)(const Napi::Object& step);
};

constexpr Maker<NormalizerPtr> kNormalizers[] = {
    {"BertNormalizer", [](const Napi::Object& step) { return text::bert_normalizer(bert_fields(step)); }},
    {"ByteLevel", [](const Napi::Object&) { return text::byte_level_normalizer(); }},
    {"Lowercase", [](const Napi::Object&) { return text::lowercase(); }},
    {"NFC", [](const Napi::Object&) { return text::normal_form(NormalForm::kNfc); }},
    {"NFD", [](const Napi::Object&) { return text::normal_form(NormalForm::kNfd); }},
    {"NFKC", [](const Napi::Object&) { return text::normal_form(NormalForm::kNfkc); }},
    {"NFKD", [](const Napi::Object&) { return text::normal_form(NormalForm::kNfkd); }},
    {"Nmt", [](const Napi::Object&) { return text::nmt(); }},
    {"Precompiled",
     [](const Napi::Object& step) {
       auto made = text::precompiled(array_field_of<std::uint8_t>(step, "charsmap"));
       if (!made.is_ok()) fail(step.Env(), made.status());
       return std::move(made.value());
     }},
    {"Prepend", [](const Napi::Object& step) { return text::prepend(string_field(step, "prepend")); }},
    {"Replace",
     [](const Napi::Object& step) { return text::replace(pattern_field(step), string_field(step, "content")); }},
    {"Strip",
     [](const Napi::Object& step) { return text::strip(boolean_field(step, "left"), boolean_field(step, "right")); }},
    {"StripAccents", [](const Napi::Object&) { return text::strip_accents(); }},
};

constexpr Maker<PreTokenizerPtr> kPreTokenizers[] = {
    {"BertPreTokenizer", [](const Napi::Object&) { return text::bert_pre_tokenizer(); }},
    {"ByteLevelAlphabet", [](const Napi::Object&) { return text::byte_level_alphabet(); }},
    {"ByteLevelPrefix", [](const Napi::Object&) { return text::byte_level_prefix(); }},
    {"ByteLevelWords", [](const Napi::Object&) { return text::byte_level_words(); }},
    {"CharDelimiterSplit",
     [](const Napi::Object& step) { return text::split_at_character(character_field(step, "delimiter")); }},
    {"Digits", [](const Napi::Object& step) { return text::split_digits(boolean_field(step, "individually")); }},
    {"FixedLength", [](const Napi::Object& step) { return text::split_after(integer_field(step, "length")); }},
    {"Metaspace",
     [](const Napi::Object& step) {
       const auto scheme =
           static_cast<text::PrependScheme>(choice_field(step, "prependScheme", {"always", "first", "never"}));
       return text::metaspace(string_field(step, "replacement"), scheme, boolean_field(step, "split"));
     }},
    {"Punctuation", [](const Napi::Object& step) { return text::split_at_punctuation(behavior_field(step)); }},
    {"Split",
     [](const Napi::Object& step) {
       return text::split_at(pattern_field(step), behavior_field(step), boolean_field(step, "invert"));
     }},
    {"Whitespace", [](const Napi::Object&) { return text::split_words(); }},
    {"WhitespaceSplit", [](const Napi::Object&) { return text::split_at_spaces(); }},
};

std::vector<Napi::Object> objects_of(const Napi::Object& config, const char* name) {
  const Napi::Array array = array_field(config, name);
  std::vector<Napi::Object> objects;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value value = array.Get(i);
    if (!value.IsObject()) fail_argument(config.Env(), std::string("expected objects in ") + name);
    objects.push_back(value.As<Napi::Object>());
  }
  return objects;
}

template <typename Step, std::size_t kCount>
std::vector<Step> read_steps(const std::vector<Napi::Object>& steps, const Maker<Step> (&makers)[kCount]) {
  std::vector<Step> made;
  for (const Napi::Object& step : steps) {
    const std::string type = string_field(step, "type");
    const auto* const maker = std::find_if(std::begin(makers), std::end(makers),
                                           [&](const Maker<Step>& candidate) { return candidate.type == type; });
    if (maker == std::end(makers)) fail(step.Env(), {Code::kUnsupported, "a step of type " + type});
    made.push_back(maker->make(step));
  }
  return made;
}

// ---- Models ---------------------------------------------------------------------------------------------------------

using MakeModel = std::function<Result<text::WordModelPtr>(const std::vector<std::string>&)>;

text::WordPieceSettings word_piece_fields(const Napi::Object& model) {
  text::WordPieceSettings settings;
  settings.unk_token = string_field(model, "unkToken");
  settings.continuing_subword_prefix = string_field(model, "continuingSubwordPrefix");
  settings.max_input_chars_per_word = integer_field(model, "maxInputCharsPerWord");
  return settings;
}

MakeModel word_piece(const Napi::Object& model) {
  return [settings = word_piece_fields(model)](const std::vector<std::string>& vocabulary) {
    return text::make_word_piece(vocabulary, settings);
  };
}

MakeModel word_level(const Napi::Object& model) {
  return [unk_token = string_field(model, "unkToken")](const std::vector<std::string>& vocabulary) {
    return text::make_word_level(vocabulary, unk_token);
  };
}

MakeModel bpe(const Napi::Object& model) {
  text::BpeSettings settings;
  const std::vector<std::uint32_t> ids = array_field_of<std::uint32_t>(model, "merges");
  for (std::size_t i = 0; i + 2 < ids.size(); i += 3) settings.merges.push_back({ids[i], ids[i + 1], ids[i + 2]});
  if (!model.Get("unkToken").IsNull()) settings.unk_token = string_field(model, "unkToken");
  settings.continuing_subword_prefix = string_field(model, "continuingSubwordPrefix");
  settings.end_of_word_suffix = string_field(model, "endOfWordSuffix");
  settings.byte_fallback = boolean_field(model, "byteFallback");
  settings.fuse_unk = boolean_field(model, "fuseUnk");
  settings.ignore_merges = boolean_field(model, "ignoreMerges");
  return [settings = std::move(settings)](const std::vector<std::string>& vocabulary) {
    return text::make_bpe(vocabulary, settings);
  };
}

MakeModel unigram(const Napi::Object& model) {
  text::UnigramSettings settings;
  settings.scores = array_field_of<double>(model, "scores");
  settings.unk_id = static_cast<std::uint32_t>(std::min<std::uint64_t>(integer_field(model, "unkId"), UINT32_MAX));
  settings.byte_fallback = boolean_field(model, "byteFallback");
  return [settings = std::move(settings)](const std::vector<std::string>& vocabulary) {
    return text::make_unigram(vocabulary, settings);
  };
}

constexpr Maker<MakeModel> kModels[] = {
    {"BPE", bpe}, {"Unigram", unigram}, {"WordLevel", word_level}, {"WordPiece", word_piece}};

// What BERT's tokenizers are made of runs faster as one.
std::optional<MakePipeline> read_bert(const std::vector<Napi::Object>& normalizers,
                                      const std::vector<Napi::Object>& pre_tokenizers, const Napi::Object& model) {
  const auto has_type = [](const Napi::Object& step, std::string_view type) {
    return string_field(step, "type") == type;
  };
  if (!has_type(model, "WordPiece") || pre_tokenizers.size() != 1 || !has_type(pre_tokenizers[0], "BertPreTokenizer")) {
    return std::nullopt;
  }
  if (normalizers.size() > 1 || (normalizers.size() == 1 && !has_type(normalizers[0], "BertNormalizer"))) {
    return std::nullopt;
  }
  std::optional<text::BertNormalizer> normalizer;
  if (!normalizers.empty()) normalizer = bert_fields(normalizers[0]);
  return [settings = word_piece_fields(model), normalizer](const std::vector<std::string>& vocabulary) {
    return text::make_bert_pipeline(vocabulary, settings, normalizer);
  };
}

}  // namespace

MakePipeline read_pipeline(const Napi::Object& config) {
  const std::vector<Napi::Object> normalizers = objects_of(config, "normalizers");
  const std::vector<Napi::Object> pre_tokenizers = objects_of(config, "preTokenizers");
  const Napi::Object model = object_field(config, "model");
  if (auto bert = read_bert(normalizers, pre_tokenizers, model)) return *bert;

  struct Steps {
    std::vector<NormalizerPtr> normalizers;
    std::vector<PreTokenizerPtr> pre_tokenizers;
  };
  const auto steps = std::make_shared<Steps>();
  steps->normalizers = read_steps(normalizers, kNormalizers);
  steps->pre_tokenizers = read_steps(pre_tokenizers, kPreTokenizers);
  const MakeModel make_model = read_steps<MakeModel>({model}, kModels).front();
  return
      [steps, make_model](const std::vector<std::string>& vocabulary) -> Result<std::unique_ptr<const text::Pipeline>> {
        auto made = make_model(vocabulary);
        if (!made.is_ok()) return made.status();
        return text::make_steps_pipeline(std::move(steps->normalizers), std::move(steps->pre_tokenizers),
                                         std::move(made.value()));
      };
}

Napi::Value supports_pattern(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) fail_argument(info.Env(), "expected a string for regex");
  return Napi::Boolean::New(info.Env(), text::regex_pattern(info[0].As<Napi::String>().Utf8Value()).is_ok());
}

}  // namespace stillvec::binding
