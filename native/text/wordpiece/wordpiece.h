#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/status.h"
#include "text/alphabet.h"
#include "text/trie.h"

namespace stillvec::text {

// The WordPiece model of a tokenizer.json, less its vocabulary.
struct WordPieceSettings {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;
};

// Greedy longest match: the longest token that the word begins with, then the longest continuing one, and so on. A word
// that cannot be covered, or that is too long, is the unknown token.
class WordPiece {
 public:
  // `vocabulary[id]` is the token's text; empty strings are holes.
  static Result<WordPiece> create(const std::vector<std::string>& vocabulary, const WordPieceSettings& settings);

  // Appends the ids of a word of at least one code point, in ASCII or as code points.
  void tokenize(std::span<const std::uint8_t> word, std::vector<std::uint32_t>& ids) const;
  void tokenize(std::span<const char32_t> word, std::vector<std::uint32_t>& ids) const;

  std::optional<std::uint32_t> id_of(std::string_view token) const;

 private:
  explicit WordPiece(std::size_t vocabulary_size) : trie_(vocabulary_size) {}

  template <typename Unit>
  void tokenize_units(std::span<const Unit> word, std::vector<std::uint32_t>& ids) const;
  Trie::Node walk(std::string_view text) const;

  Alphabet alphabet_;
  Trie trie_;
  Trie::Node continuation_ = Trie::kNowhere;  // where the prefix leads
  std::size_t max_input_chars_per_word_ = 0;
  std::uint32_t unk_id_ = 0;
};

}  // namespace stillvec::text
