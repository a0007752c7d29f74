#include "text/pipeline_tokenizer.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "text/buffers.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// The added tokens by id. As in the reference, a token of the vocabulary keeps its id there, the others are numbered on
// from the vocabulary's size in the order of the file, and of two that share an id the later counts.
std::map<std::uint32_t, AddedToken> number(const std::vector<AddedToken>& tokens, const Pipeline& pipeline) {
  std::map<std::uint32_t, AddedToken> by_id;
  std::unordered_map<std::string, std::uint32_t> ids;
  auto next = static_cast<std::uint32_t>(pipeline.token_count());
  for (const AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    std::optional<std::uint32_t> id = pipeline.id_of(token.content);
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

struct PipelineScratch final : Tokenizer::Scratch {
  explicit PipelineScratch(Pipeline::ScratchPtr of_pipeline) : pipeline(std::move(of_pipeline)) {}

  Pipeline::ScratchPtr pipeline;
  std::string normalized;  // a text in which tokens are looked for
};

}  // namespace

PipelineTokenizer::PipelineTokenizer(std::unique_ptr<const Pipeline> pipeline, const TokenizerConfig& config)
    : pipeline_(std::move(pipeline)),
      truncation_(config.truncation),
      selection_(config.selection),
      vocab_size_(pipeline_->vocab_size()) {}

Result<std::shared_ptr<const Tokenizer>> PipelineTokenizer::create(std::unique_ptr<const Pipeline> pipeline,
                                                                   const TokenizerConfig& config) {
  std::shared_ptr<PipelineTokenizer> tokenizer(new PipelineTokenizer(std::move(pipeline), config));
  const Pipeline& own = *tokenizer->pipeline_;
  const Pipeline::ScratchPtr scratch = own.make_scratch();
  std::vector<AddedTokens::Entry> raw_entries, normalized_entries;
  for (auto& [id, token] : number(config.added_tokens, own)) {
    tokenizer->vocab_size_ = std::max(tokenizer->vocab_size_, std::size_t{id} + 1);
    if (token.normalized) {
      std::string pattern;
      own.normalize(token.content, *scratch, pattern);
      normalized_entries.push_back({std::move(pattern), token});
    } else {
      raw_entries.push_back({token.content, token});
    }
  }
  auto raw_tokens = AddedTokens::create(std::move(raw_entries), "added_tokens");
  if (!raw_tokens.is_ok()) return raw_tokens.status();
  auto normalized_tokens = AddedTokens::create(std::move(normalized_entries), "added_tokens");
  if (!normalized_tokens.is_ok()) return normalized_tokens.status();
  tokenizer->raw_tokens_ = std::move(raw_tokens.value());
  tokenizer->normalized_tokens_ = std::move(normalized_tokens.value());
  return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

Tokenizer::ScratchPtr PipelineTokenizer::make_scratch() const {
  return std::make_unique<PipelineScratch>(pipeline_->make_scratch());
}

void PipelineTokenizer::encode(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& ids) const {
  auto& [pipeline_scratch, normalized] = static_cast<PipelineScratch&>(scratch);
  const std::size_t before = ids.size();
  if (selection_ && text.size() > selection_->max_code_points) {
    text = first_code_points(text, selection_->max_code_points);
  }
  const std::size_t enough = truncation_ && !truncation_->from_left ? truncation_->max_length : SIZE_MAX;

  const auto add_id = [&](std::uint32_t id) { ids.push_back(id); };
  const auto encode_raw = [&](std::string_view piece) {
    if (ids.size() - before >= enough) return;
    const bool opens_text = piece.data() == text.data();
    if (normalized_tokens_.empty()) {
      return pipeline_->encode(piece, opens_text, *pipeline_scratch, ids, enough - (ids.size() - before));
    }
    const bool is_kept = opens_text && pipeline_->keeps_beginning(piece, *pipeline_scratch);
    pipeline_->normalize(piece, *pipeline_scratch, normalized);
    normalized_tokens_.split(
        normalized,
        [&](std::string_view part) {
          const bool opens = is_kept && part.data() == normalized.data();
          pipeline_->encode_normalized(part, opens, *pipeline_scratch, ids, SIZE_MAX);
        },
        add_id);
  };
  raw_tokens_.split(text, encode_raw, add_id);
  release_if_large(normalized);

  if (truncation_ && ids.size() - before > truncation_->max_length) {
    const std::size_t excess = ids.size() - before - truncation_->max_length;
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(before);
    if (truncation_->from_left)
      ids.erase(first, first + static_cast<std::ptrdiff_t>(excess));
    else
      ids.resize(ids.size() - excess);
  }
  if (selection_) select(*selection_, before, ids);
}

}  // namespace stillvec::text
