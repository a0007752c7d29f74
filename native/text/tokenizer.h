#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/status.h"

namespace stillvec::text {

// The BertNormalizer of a tokenizer.json.
struct BertNormalizer {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents;  // absent: as `lowercase`
  bool lowercase = true;
};

// An entry of `added_tokens`. Matched in the raw text, before normalization, unless `normalized`.
struct AddedToken {
  std::string content;
  std::uint32_t id = 0;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
  bool special = false;
};

struct Truncation {
  std::size_t max_length = 512;
  bool from_left = false;  // "direction": "Left" keeps the last ids
};

// Which tokens of a text are given out. Applied after the truncation, in this order.
struct TokenSelection {
  std::size_t max_code_points = SIZE_MAX;   // what is read of a text
  std::optional<std::uint32_t> dropped_id;  // left out
  std::size_t max_tokens = SIZE_MAX;        // the first of those that are left
};

// What a WordPiece tokenizer.json says, parsed by the caller.
struct WordPieceConfig {
  std::vector<std::string> vocabulary;  // token of id i; empty where the file has a hole
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;
  std::vector<AddedToken> added_tokens;
  std::optional<BertNormalizer> normalizer;  // absent: none
  std::optional<Truncation> truncation;
  std::optional<TokenSelection> selection;  // absent: all tokens
};

// Text -> token ids, exactly as Hugging Face's `tokenizers` gives them for WordPiece with BertNormalizer and
// BertPreTokenizer, without special tokens and without padding; of these, the selected ones. Immutable after creation:
// any number of threads may encode at once, each with a Scratch of its own.
class WordPieceTokenizer {
 public:
  // Buffers and the bounded word cache of one thread. Its size is bounded; contents never change the ids.
  class Scratch;
  struct ScratchDeleter {
    void operator()(Scratch*) const;
  };
  using ScratchPtr = std::unique_ptr<Scratch, ScratchDeleter>;

  // kInvalidArgument, naming the field, when the config contradicts itself (no unk_token in the vocabulary, two tokens
  // with one text, ...).
  static Result<std::shared_ptr<const WordPieceTokenizer>> create(WordPieceConfig config);
  ~WordPieceTokenizer();

  ScratchPtr make_scratch() const;

  // Appends the ids of `text` to `ids`. Any bytes are accepted: ill-formed UTF-8 reads as U+FFFD.
  void encode(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& ids) const;

  // One more than the greatest id, added tokens included.
  std::size_t vocab_size() const;

 private:
  struct Impl;
  explicit WordPieceTokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace stillvec::text
