#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "text/unicode_tables.h"
#include "text/utf8.h"

namespace stillvec::text {
namespace {

bool is_word(char32_t c) { return unicode::properties(c) & unicode::kWord; }
bool is_space(char32_t c) { return unicode::properties(c) & unicode::kSpace; }

}  // namespace

Result<AddedTokens> AddedTokens::create(std::vector<Entry> entries, std::string_view field) {
  AddedTokens set;
  set.entries_ = std::move(entries);
  for (std::size_t i = 0; i < set.entries_.size(); ++i) {
    const Entry& entry = set.entries_[i];
    if (entry.pattern.empty()) {
      return Status{Code::kInvalidArgument,
                    std::string(field) + ": nothing of " + entry.token.content + " is left after normalization"};
    }
    if (!set.trie_.insert(entry.pattern, static_cast<std::uint32_t>(i))) {
      return Status{Code::kInvalidArgument,
                    std::string(field) + ": " + entry.token.content + " reads the same as another token"};
    }
    set.begins_token_[static_cast<std::uint8_t>(entry.pattern[0])] = true;
  }
  if (std::count(std::begin(set.begins_token_), std::end(set.begins_token_), true) == 1) {
    set.only_first_byte_ = set.entries_[0].pattern[0];
  }
  return set;
}

std::size_t AddedTokens::find_first_byte(std::string_view text, std::size_t from) const {
  if (only_first_byte_) return text.find(*only_first_byte_, from);
  while (from < text.size() && !begins_token_[static_cast<std::uint8_t>(text[from])]) ++from;
  return from < text.size() ? from : std::string_view::npos;
}

std::optional<AddedTokens::Match> AddedTokens::find(std::string_view text, std::size_t from) const {
  if (entries_.empty()) return std::nullopt;
  const std::uint8_t* const begin = utf8::bytes(text);
  for (;; ++from) {
    from = find_first_byte(text, from);
    if (from == std::string_view::npos) return std::nullopt;
    const ByteTrie::Match longest = trie_.longest_match(ByteTrie::kRoot, begin + from, begin + text.size());
    if (longest.size != 0) return Match{from, from + longest.size, longest.value};
  }
}

std::optional<AddedTokens::Extent> AddedTokens::extent_of(const Match& match, std::string_view text,
                                                          std::size_t done) const {
  const AddedToken& token = entries_[match.entry].token;
  const std::uint8_t* const first = utf8::bytes(text);
  const std::uint8_t* const last = first + text.size();
  const std::uint8_t* begin = first + match.begin;
  const std::uint8_t* end = first + match.end;
  if (token.single_word) {
    if (begin > first && is_word(utf8::decode_before(first, begin).code_point)) return std::nullopt;
    if (end < last && is_word(utf8::decode(end, last).code_point)) return std::nullopt;
  }
  if (token.lstrip) {
    while (begin > first + done) {
      const utf8::Decoded before = utf8::decode_before(first, begin);
      if (!is_space(before.code_point)) break;
      begin -= before.size;
    }
    begin = std::max(begin, first + done);
  }
  if (token.rstrip) {
    while (end < last) {
      const utf8::Decoded after = utf8::decode(end, last);
      if (!is_space(after.code_point)) break;
      end += after.size;
    }
  }
  return Extent{static_cast<std::size_t>(begin - first), static_cast<std::size_t>(end - first)};
}

}  // namespace stillvec::text
