#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/status.h"
#include "text/tokenizer.h"
#include "text/trie.h"

namespace stillvec::text {

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
    for (std::size_t from = 0;;) {
      const std::optional<Match> match = find(text, from);
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

  std::optional<Match> find(std::string_view text, std::size_t from) const;
  std::size_t find_first_byte(std::string_view text, std::size_t from) const;

  // The match with the spaces that lstrip and rstrip take in; nothing where single_word forbids it. `done`: where the
  // token before ends.
  std::optional<Extent> extent_of(const Match& match, std::string_view text, std::size_t done) const;

  std::vector<Entry> entries_;
  Trie trie_;
  bool begins_token_[256] = {};
  std::optional<char> only_first_byte_;
};

}  // namespace stillvec::text
