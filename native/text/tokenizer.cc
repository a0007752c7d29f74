#include "text/tokenizer.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "text/added_tokens.h"
#include "text/bert_normalizer.h"
#include "text/buffers.h"
#include "text/cached_encoder.h"
#include "text/exact_encoder.h"
#include "text/utf8.h"
#include "text/wordpiece.h"

namespace stillvec::text {
namespace {

// The added tokens by id. As in the reference, a token of the vocabulary keeps its id there, the others are numbered on
// from the vocabulary's size in the order of the file, and of two that share an id the later counts.
std::map<std::uint32_t, AddedToken> number(const std::vector<AddedToken>& tokens, const WordPiece& model,
                                           std::size_t model_size) {
  std::map<std::uint32_t, AddedToken> by_id;
  std::unordered_map<std::string, std::uint32_t> ids;
  auto next = static_cast<std::uint32_t>(model_size);
  for (const AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    std::optional<std::uint32_t> id = model.id_of(token.content);
    if (!id) {
      const auto [entry, is_new] = ids.try_emplace(token.content, next);
      if (is_new) ++next;
      id = entry->second;
    }
    by_id[*id] = token;
    by_id[*id].id = *id;
  }
  return by_id;
}

std::string normalized(const std::optional<BertNormalizer>& normalizer, std::string_view text) {
  std::u32string code_points;
  normalize(normalizer, text, code_points);
  std::string out;
  for (const char32_t c : code_points) utf8::append(c, out);
  return out;
}

// The text as far as its first `count` code points go.
std::string_view first_code_points(std::string_view text, std::size_t count) {
  const std::uint8_t* const end = utf8::bytes(text) + text.size();
  const std::uint8_t* at = utf8::bytes(text);
  for (; count > 0 && at < end; --count) at += utf8::decode(at, end).size;
  return text.substr(0, static_cast<std::size_t>(at - utf8::bytes(text)));
}

// Takes from the ids beyond `before` those away that are not selected.
void select(const TokenSelection& selection, std::size_t before, std::vector<std::uint32_t>& ids) {
  const auto first = ids.begin() + static_cast<std::ptrdiff_t>(before);
  if (selection.dropped_id) ids.erase(std::remove(first, ids.end(), *selection.dropped_id), ids.end());
  if (ids.size() - before > selection.max_tokens) ids.resize(before + selection.max_tokens);
}

}  // namespace

struct WordPieceTokenizer::Impl {
  Impl(WordPiece wordpiece, const WordPieceConfig& config)
      : model(std::move(wordpiece)),
        normalizer(config.normalizer),
        truncation(config.truncation),
        selection(config.selection),
        raw(model, config.normalizer),
        cached_raw(raw),
        plain(model, std::nullopt),
        cached_plain(plain) {}

  WordPiece model;
  std::optional<BertNormalizer> normalizer;
  std::optional<Truncation> truncation;
  std::optional<TokenSelection> selection;
  std::size_t vocab_size = 0;
  AddedTokens raw_tokens;         // looked for in the text as it came
  AddedTokens normalized_tokens;  // looked for in the normalized text between those
  ExactEncoder raw;
  CachedEncoder cached_raw;  // text as it came -> ids
  ExactEncoder plain;
  CachedEncoder cached_plain;  // normalized text -> ids; used only where normalized_tokens are looked for
};

class WordPieceTokenizer::Scratch {
 public:
  CachedEncoder::Scratch encoder;
  std::u32string code_points;  // these two: a normalized text in which tokens are looked for
  std::string normalized;
};

void WordPieceTokenizer::ScratchDeleter::operator()(Scratch* scratch) const { delete scratch; }

WordPieceTokenizer::WordPieceTokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
WordPieceTokenizer::~WordPieceTokenizer() = default;

Result<std::shared_ptr<const WordPieceTokenizer>> WordPieceTokenizer::create(WordPieceConfig config) {
  auto model = WordPiece::create(config.vocabulary, config.unk_token, config.continuing_subword_prefix,
                                 config.max_input_chars_per_word);
  if (!model.is_ok()) return model.status();

  auto impl = std::make_unique<Impl>(std::move(model.value()), config);
  const auto is_token = [](const std::string& token) { return !token.empty(); };
  const auto tokens = std::count_if(config.vocabulary.begin(), config.vocabulary.end(), is_token);
  std::vector<AddedTokens::Entry> raw_entries, normalized_entries;
  impl->vocab_size = config.vocabulary.size();
  for (auto& [id, token] : number(config.added_tokens, impl->model, static_cast<std::size_t>(tokens))) {
    impl->vocab_size = std::max(impl->vocab_size, std::size_t{id} + 1);
    if (token.normalized) {
      normalized_entries.push_back({normalized(config.normalizer, token.content), token});
    } else {
      raw_entries.push_back({token.content, token});
    }
  }
  auto raw_tokens = AddedTokens::create(std::move(raw_entries), "added_tokens");
  if (!raw_tokens.is_ok()) return raw_tokens.status();
  auto normalized_tokens = AddedTokens::create(std::move(normalized_entries), "added_tokens");
  if (!normalized_tokens.is_ok()) return normalized_tokens.status();
  impl->raw_tokens = std::move(raw_tokens.value());
  impl->normalized_tokens = std::move(normalized_tokens.value());
  return std::shared_ptr<const WordPieceTokenizer>(new WordPieceTokenizer(std::move(impl)));
}

WordPieceTokenizer::ScratchPtr WordPieceTokenizer::make_scratch() const { return ScratchPtr(new Scratch); }

std::size_t WordPieceTokenizer::vocab_size() const { return impl_->vocab_size; }

void WordPieceTokenizer::encode(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& ids) const {
  const Impl& impl = *impl_;
  const std::size_t before = ids.size();
  if (impl.selection && text.size() > impl.selection->max_code_points) {
    text = first_code_points(text, impl.selection->max_code_points);
  }
  const std::size_t enough = impl.truncation && !impl.truncation->from_left ? impl.truncation->max_length : SIZE_MAX;

  const auto add_id = [&](std::uint32_t id) { ids.push_back(id); };
  const auto encode_raw = [&](std::string_view piece) {
    if (ids.size() - before >= enough) return;
    if (impl.normalized_tokens.empty()) {
      return impl.cached_raw.encode(piece, scratch.encoder, ids, enough - (ids.size() - before));
    }
    scratch.code_points.clear();
    normalize(impl.normalizer, piece, scratch.code_points);
    scratch.normalized.clear();
    for (const char32_t c : scratch.code_points) utf8::append(c, scratch.normalized);
    impl.normalized_tokens.split(
        scratch.normalized, [&](std::string_view part) { impl.cached_plain.encode(part, scratch.encoder, ids); },
        add_id);
  };
  impl.raw_tokens.split(text, encode_raw, add_id);
  release_if_large(scratch.code_points);
  release_if_large(scratch.normalized);

  if (impl.truncation && ids.size() - before > impl.truncation->max_length) {
    const std::size_t excess = ids.size() - before - impl.truncation->max_length;
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(before);
    if (impl.truncation->from_left)
      ids.erase(first, first + static_cast<std::ptrdiff_t>(excess));
    else
      ids.resize(ids.size() - excess);
  }
  if (impl.selection) select(*impl.selection, before, ids);
}

}  // namespace stillvec::text
