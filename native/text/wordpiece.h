#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/status.h"
#include "text/byte_trie.h"

namespace stillvec::text {

// Greedy longest match: the longest token that the word begins with, then the longest continuing one, and so on. A word
// that cannot be covered, or that is too long, is the unknown token.
class WordPiece {
 public:
  // `vocabulary[id]` is the token's text; empty strings are holes.
  static Result<WordPiece> create(const std::vector<std::string>& vocabulary, std::string_view unk_token,
                                  std::string_view continuing_subword_prefix, std::size_t max_input_chars_per_word);

  // Appends the ids of a word: well-formed UTF-8 of `code_points` code points, at least one.
  void tokenize(std::string_view word, std::size_t code_points, std::vector<std::uint32_t>& ids) const;

  // ByteTrie::kNoValue when the vocabulary has no such token.
  std::uint32_t id_of(std::string_view token) const;

  std::size_t max_input_chars_per_word() const { return max_input_chars_per_word_; }
  std::uint32_t unk_id() const { return unk_id_; }

 private:
  ByteTrie trie_;
  ByteTrie::Node continuation_ = ByteTrie::kNowhere;  // where the prefix leads
  std::size_t max_input_chars_per_word_ = 0;
  std::uint32_t unk_id_ = 0;
};

}  // namespace stillvec::text
