#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/status.h"
#include "text/trie.h"

namespace stillvec::text {

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

// A set of added tokens to look for in one kind of text: raw, or normalized.
class AddedTokens {
 public:
  struct Entry {
    std::string pattern;  // what is looked for: the content, or its normalized form
    AddedToken token;
  };

  // In ascending order of ids. `field` names the tokens in an error.
  static Result<AddedTokens> create(std::vector<Entry> entries, std::string_view field);

  bool empty() const { return entries_.empty(); }

  // Calls piece(std::string_view) for each stretch of `text` between tokens and token(id) for each token, in order. Of
  // the tokens that begin first, the longest is taken; matches do not overlap.
  template <typename Piece, typename Token>
  void split(std::string_view text, Piece piece, Token token) const {
    std::size_t done = 0;
    std::vector<Match> matches = walks_back_ ? find_all(text) : std::vector<Match>();
    for (std::size_t from = 0;;) {
      const std::optional<Match> match = walks_back_ ? take_from(matches, from) : find(text, from);
      if (!match) break;
      from = match->end;
      const std::optional<Extent> extent = extent_of(*match, text, done);
      if (!extent) continue;
      if (done < extent->begin) piece(text.substr(done, extent->begin - done));
      // A token whose bytes an earlier one has stripped is no token.
      if (extent->begin < extent->end) token(entries_[match->entry].token.id);
      done = extent->end;
    }
    if (done < text.size()) piece(text.substr(done));
  }

 private:
  struct Match {
    std::size_t begin, end;
    std::uint32_t entry;
  };
  struct Extent {
    std::size_t begin, end;
  };

  void link();
  Trie::Node step(Trie::Node node, std::uint8_t symbol) const;
  std::optional<Match> find(std::string_view text, std::size_t from) const;
  std::vector<Match> find_all(std::string_view text) const;
  static std::optional<Match> take_from(std::vector<Match>& matches, std::size_t from);
  std::size_t find_first_byte(std::string_view text, std::size_t from) const;

  // The match with the spaces that lstrip and rstrip take in; nothing where single_word forbids it. `done`: where the
  // token before ends.
  std::optional<Extent> extent_of(const Match& match, std::string_view text, std::size_t done) const;

  std::vector<Entry> entries_;
  Trie trie_;
  // With a long pattern among them, to try at every byte how far the trie leads would cost the pattern's length for
  // each. The trie then holds the patterns backwards, and the text is walked once from its end (Aho and Corasick 1975):
  // what ends at a byte that way begins there.
  bool walks_back_ = false;
  std::vector<Trie::Node> fallback_;     // of a node: that of its longest proper suffix in the trie
  std::vector<Trie::Node> longest_key_;  // of a node: the longest key that it ends with; kNowhere: none
  bool begins_token_[256] = {};
  std::optional<char> only_first_byte_;
};

}  // namespace stillvec::text
