#include "text/steps/steps_pipeline.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "text/buffers.h"
#include "text/unicode/utf8.h"
#include "text/word_cache.h"

namespace stillvec::text {
namespace {

struct StepsScratch final : Pipeline::Scratch {
  WordCache cache;
  WordModel::ScratchPtr model;
  std::string text, changed;  // what a normalizer reads and what it writes, in turns
  Pieces pieces, parts;       // likewise
  Pieces word, word_parts;    // of one piece that is not in the cache
};

bool is_well_formed(std::string_view text) {
  const std::uint8_t* const end = utf8::bytes(text) + text.size();
  for (const std::uint8_t* at = utf8::bytes(text); at < end;) {
    if (*at < 0x80) {
      ++at;
      continue;
    }
    const utf8::Decoded next = utf8::decode(at, end);
    constexpr unsigned kReplacementSize = 3;
    if (next.code_point == utf8::kReplacement && (next.size != kReplacementSize || *at != 0xef)) return false;
    at += next.size;
  }
  return true;
}

void append_well_formed(std::string_view text, std::string& out) {
  const std::uint8_t* const end = utf8::bytes(text) + text.size();
  for (const std::uint8_t* at = utf8::bytes(text); at < end;) {
    const utf8::Decoded next = utf8::decode(at, end);
    utf8::append(next.code_point, out);
    at += next.size;
  }
}

void release_if_large(Pieces& pieces) {
  constexpr std::size_t kKept = 1 << 18;
  if (pieces.capacity() > kKept) pieces = {};
}

class StepsPipeline final : public Pipeline {
 public:
  StepsPipeline(std::vector<NormalizerPtr> normalizers, std::vector<PreTokenizerPtr> pre_tokenizers, WordModelPtr model)
      : normalizers_(std::move(normalizers)), splits_(std::move(pre_tokenizers)), model_(std::move(model)) {
    // What leaves a piece whole at the end is done for the words that are not in the cache only.
    while (!splits_.empty() && splits_.back()->is_whole()) {
      changes_.insert(changes_.begin(), std::move(splits_.back()));
      splits_.pop_back();
    }
  }

  ScratchPtr make_scratch() const override {
    auto scratch = std::make_unique<StepsScratch>();
    scratch->model = model_->make_scratch();
    return scratch;
  }

  void encode(std::string_view text, bool opens_text, Scratch& scratch, std::vector<std::uint32_t>& ids,
              std::size_t enough) const override {
    auto& own = static_cast<StepsScratch&>(scratch);
    if (normalizers_.empty() && is_well_formed(text)) return encode_normalized(text, opens_text, scratch, ids, enough);
    own.text.clear();
    apply_normalizers(text, own.text, own.changed);
    encode_normalized(own.text, opens_text, scratch, ids, enough);
    text::release_if_large(own.text);
    text::release_if_large(own.changed);
  }

  void normalize(std::string_view text, Scratch& scratch, std::string& out) const override {
    auto& own = static_cast<StepsScratch&>(scratch);
    out.clear();
    apply_normalizers(text, out, own.changed);
    text::release_if_large(own.changed);
  }

  void encode_normalized(std::string_view text, bool opens_text, Scratch& scratch, std::vector<std::uint32_t>& ids,
                         std::size_t enough) const override {
    auto& [cache, model, unused, changed, pieces, parts, word, word_parts] = static_cast<StepsScratch&>(scratch);
    if (text.empty()) return;
    const std::size_t before = ids.size();
    apply(splits_, text, opens_text, pieces, parts);
    for (std::size_t i = 0; i < pieces.size() && ids.size() - before < enough; ++i) {
      encode_piece(pieces[i], static_cast<StepsScratch&>(scratch), ids);
    }
    release_if_large(pieces);
    release_if_large(parts);
    release_if_large(word);
    release_if_large(word_parts);
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const override { return model_->id_of(token); }
  std::size_t vocab_size() const override { return model_->vocab_size(); }
  std::size_t token_count() const override { return model_->token_count(); }

 private:
  // `out` is empty; `other` is a buffer.
  void apply_normalizers(std::string_view text, std::string& out, std::string& other) const {
    append_well_formed(text, out);
    for (const NormalizerPtr& step : normalizers_) {
      other.clear();
      step->apply(out, other);
      out.swap(other);
    }
  }

  static void apply(const std::vector<PreTokenizerPtr>& steps, std::string_view text, bool opens_text, Pieces& pieces,
                    Pieces& other) {
    pieces.clear();
    if (steps.empty()) return pieces.add(text);
    steps.front()->split(text, opens_text, pieces);
    for (std::size_t step = 1; step < steps.size(); ++step) {
      other.clear();
      for (std::size_t i = 0; i < pieces.size(); ++i) steps[step]->split(pieces[i], opens_text && i == 0, other);
      std::swap(pieces, other);
    }
  }

  void encode_piece(std::string_view piece, StepsScratch& scratch, std::vector<std::uint32_t>& ids) const {
    if (piece.size() > WordCache::kMaxBytes) return tokenize(piece, scratch, ids);
    std::uint8_t padded[WordCache::kMaxBytes] = {};
    std::memcpy(padded, piece.data(), piece.size());
    const WordCache::Key key = WordCache::key_of(padded, piece.size());
    if (const WordCache::Entry* entry = scratch.cache.find(key)) {
      ids.insert(ids.end(), entry->ids, entry->ids + entry->count);
      return;
    }
    const std::size_t before = ids.size();
    tokenize(piece, scratch, ids);
    const std::size_t count = ids.size() - before;
    if (count <= WordCache::kMaxIds) scratch.cache.insert(key, ids.data() + before, count);
  }

  void tokenize(std::string_view piece, StepsScratch& scratch, std::vector<std::uint32_t>& ids) const {
    if (changes_.empty()) return model_->tokenize(piece, *scratch.model, ids);
    apply(changes_, piece, false, scratch.word, scratch.word_parts);
    for (std::size_t i = 0; i < scratch.word.size(); ++i) model_->tokenize(scratch.word[i], *scratch.model, ids);
  }

  std::vector<NormalizerPtr> normalizers_;
  std::vector<PreTokenizerPtr> splits_;
  std::vector<PreTokenizerPtr> changes_;
  WordModelPtr model_;
};

}  // namespace

std::unique_ptr<const Pipeline> make_steps_pipeline(std::vector<NormalizerPtr> normalizers,
                                                    std::vector<PreTokenizerPtr> pre_tokenizers, WordModelPtr model) {
  return std::make_unique<StepsPipeline>(std::move(normalizers), std::move(pre_tokenizers), std::move(model));
}

}  // namespace stillvec::text
