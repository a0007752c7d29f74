#include "text/steps/steps_pipeline.h"

#include <algorithm>
#include <cstring>
#include <deque>
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
  std::deque<std::string> arena, word_arena;
  Pieces pieces{arena}, parts{arena};               // what a pre-tokenizer reads and what it writes, in turns
  Pieces word{word_arena}, word_parts{word_arena};  // of one piece that is not in the cache
};

bool is_well_formed(std::string_view text) {
  const std::uint8_t* const end = utf8::bytes(text) + text.size();
  for (const std::uint8_t* at = utf8::bytes(text); at < end;) {
    at += utf8::ascii_run(at, end);
    if (at == end) break;
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

// The bytes of a word of at most WordCache::kMaxBytes, and zeros: overlapping loads of fixed sizes beat a call.
void pad(std::string_view word, std::uint8_t* padded) {
  const char* const from = word.data();
  const std::size_t size = word.size();
  const auto copy_ends = [&](auto unit) {
    std::memcpy(padded, from, sizeof unit);
    std::memcpy(padded + size - sizeof unit, from + size - sizeof unit, sizeof unit);
  };
  struct Half {
    std::uint64_t parts[2];
  };
  if (size >= 16) return copy_ends(Half{});
  if (size >= 8) return copy_ends(std::uint64_t{});
  if (size >= 4) return copy_ends(std::uint32_t{});
  for (std::size_t i = 0; i < size; ++i) padded[i] = static_cast<std::uint8_t>(from[i]);
}

class StepsPipeline final : public Pipeline {
 public:
  StepsPipeline(std::vector<NormalizerPtr> normalizers, std::vector<PreTokenizerPtr> pre_tokenizers, WordModelPtr model)
      : normalizers_(std::move(normalizers)), splits_(std::move(pre_tokenizers)), model_(std::move(model)) {
    asks_for_beginning_ = std::any_of(splits_.begin(), splits_.end(),
                                      [](const PreTokenizerPtr& step) { return step->asks_for_beginning(); });
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
    const bool opens = opens_text && keeps_beginning(text, scratch);
    apply_normalizers(text, own.text, own.changed);
    encode_normalized(own.text, opens, scratch, ids, enough);
    text::release_if_large(own.text);
    text::release_if_large(own.changed);
  }

  // By what becomes of the first character alone.
  bool keeps_beginning(std::string_view text, Scratch& scratch) const override {
    if (normalizers_.empty() || !asks_for_beginning_ || text.empty()) return true;
    auto& own = static_cast<StepsScratch&>(scratch);
    const std::uint8_t* const begin = utf8::bytes(text);
    apply_normalizers(text.substr(0, utf8::decode(begin, begin + text.size()).size), own.text, own.changed);
    return !own.text.empty();
  }

  void normalize(std::string_view text, Scratch& scratch, std::string& out) const override {
    auto& own = static_cast<StepsScratch&>(scratch);
    apply_normalizers(text, out, own.changed);
    text::release_if_large(own.changed);
  }

  void encode_normalized(std::string_view text, bool opens_text, Scratch& scratch, std::vector<std::uint32_t>& ids,
                         std::size_t enough) const override {
    auto& own = static_cast<StepsScratch&>(scratch);
    if (text.empty()) return;
    const std::size_t before = ids.size();
    apply(splits_, text, opens_text, own.pieces, own.parts);
    for (const std::string_view piece : own.pieces.views()) {
      if (ids.size() - before >= enough) break;
      encode_piece(piece, own, ids);
    }
    own.arena.clear();
    text::release_if_large(own.pieces.views());
    text::release_if_large(own.parts.views());
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const override { return model_->id_of(token); }
  std::size_t vocab_size() const override { return model_->vocab_size(); }
  std::size_t token_count() const override { return model_->token_count(); }

 private:
  // Replaces `out`; `other` is a buffer.
  void apply_normalizers(std::string_view text, std::string& out, std::string& other) const {
    if (!is_well_formed(text)) {
      other.clear();
      append_well_formed(text, other);
      text = other;
    }
    out.clear();
    if (normalizers_.empty()) out += text;
    for (std::size_t step = 0; step < normalizers_.size(); ++step) {
      if (step > 0) {
        out.swap(other);
        out.clear();
      }
      normalizers_[step]->apply(step == 0 ? text : other, out);
    }
  }

  static void apply(const std::vector<PreTokenizerPtr>& steps, std::string_view text, bool opens_text, Pieces& pieces,
                    Pieces& other) {
    pieces.clear();
    if (steps.empty()) return pieces.add(text);
    steps.front()->split(text, opens_text, pieces);
    for (std::size_t step = 1; step < steps.size(); ++step) {
      other.clear();
      for (const std::string_view piece : pieces.views()) {
        steps[step]->split(piece, opens_text && piece.data() == text.data(), other);
      }
      pieces.swap(other);
    }
  }

  void encode_piece(std::string_view piece, StepsScratch& scratch, std::vector<std::uint32_t>& ids) const {
    if (piece.size() > WordCache::kMaxBytes) return tokenize(piece, scratch, ids);
    std::uint8_t padded[WordCache::kMaxBytes] = {};
    pad(piece, padded);
    const WordCache::Key key = WordCache::key_of(padded, piece.size());
    if (const WordCache::Entry* entry = scratch.cache.find(key)) {
      for (std::uint8_t i = 0; i < entry->count; ++i) ids.push_back(entry->ids[i]);
      return;
    }
    const std::size_t before = ids.size();
    tokenize(piece, scratch, ids);
    const std::size_t count = ids.size() - before;
    if (count <= WordCache::kMaxIds) scratch.cache.insert(key, ids.data() + before, count);
  }

  void tokenize(std::string_view piece, StepsScratch& scratch, std::vector<std::uint32_t>& ids) const {
    if (changes_.empty()) return model_->tokenize(piece, *scratch.model, ids);
    scratch.word_arena.clear();
    apply(changes_, piece, false, scratch.word, scratch.word_parts);
    for (const std::string_view part : scratch.word.views()) model_->tokenize(part, *scratch.model, ids);
  }

  std::vector<NormalizerPtr> normalizers_;
  std::vector<PreTokenizerPtr> splits_;
  std::vector<PreTokenizerPtr> changes_;
  WordModelPtr model_;
  bool asks_for_beginning_ = false;
};

}  // namespace

std::unique_ptr<const Pipeline> make_steps_pipeline(std::vector<NormalizerPtr> normalizers,
                                                    std::vector<PreTokenizerPtr> pre_tokenizers, WordModelPtr model) {
  return std::make_unique<StepsPipeline>(std::move(normalizers), std::move(pre_tokenizers), std::move(model));
}

}  // namespace stillvec::text
