#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

bool is_word(char32_t c) { return unicode::properties(c) & unicode::kWord; }
// Patterns up to it, in bytes, are tried at each byte that begins one: those of real tokenizers.
constexpr std::size_t kMostTried = 64;

bool is_space(char32_t c) { return unicode::properties(c) & unicode::kSpace; }

}  // namespace

Result<AddedTokens> AddedTokens::create(std::vector<Entry> entries, std::string_view field) {
  AddedTokens set;
  set.trie_ = Trie(entries.size());
  // Shorter patterns first, as the trie wants them; equal ones stay in the order of their ids.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.pattern.size() < b.pattern.size(); });
  set.walks_back_ = !entries.empty() && entries.back().pattern.size() > kMostTried;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [pattern, token] = entries[i];
    if (pattern.empty()) {
      return Status{Code::kInvalidArgument,
                    std::string(field) + ": nothing of " + token.content + " is left after normalization"};
    }
    // Two contents can normalize to one pattern. The reference then takes one at random; we take the lower id.
    std::vector<std::uint16_t> symbols(utf8::bytes(pattern), utf8::bytes(pattern) + pattern.size());
    set.begins_token_[symbols[0]] = true;
    if (set.walks_back_) std::ranges::reverse(symbols);
    if (set.trie_.insert(symbols, static_cast<std::uint32_t>(i)) == Trie::Inserted::kFull) {
      return Status{Code::kUnsupported, std::string(field) + ": too many tokens"};
    }
  }
  if (std::count(std::begin(set.begins_token_), std::end(set.begins_token_), true) == 1) {
    set.only_first_byte_ = entries[0].pattern[0];
  }
  set.entries_ = std::move(entries);
  if (set.walks_back_) set.link();
  return set;
}

// Fills fallback_ and longest_key_, the nodes near the root first.
void AddedTokens::link() {
  const auto set = [](std::vector<Trie::Node>& nodes, Trie::Node node, Trie::Node value) {
    if (node >= nodes.size()) nodes.resize(node + std::size_t{1}, Trie::kNowhere);
    nodes[node] = value;
  };
  set(fallback_, trie_.root(), trie_.root());
  set(longest_key_, trie_.root(), Trie::kNowhere);
  std::vector<Trie::Node> at(entries_.size(), trie_.root());
  std::size_t first = 0;  // entries are sorted by length
  for (std::size_t depth = 0; first < entries_.size(); ++depth) {
    for (std::size_t i = first; i < entries_.size(); ++i) {
      const std::string& pattern = entries_[i].pattern;
      if (depth == pattern.size()) {
        first = i + 1;
        continue;
      }
      const auto symbol = static_cast<std::uint8_t>(pattern[pattern.size() - 1 - depth]);
      const Trie::Node node = trie_.child(at[i], symbol);
      const Trie::Node fallback = depth == 0 ? trie_.root() : step(fallback_[at[i]], symbol);
      set(fallback_, node, fallback);
      set(longest_key_, node, trie_.is_key(node) ? node : longest_key_[fallback]);
      at[i] = node;
    }
  }
}

// The node of the longest string in the trie that `node` followed by `symbol` ends with.
Trie::Node AddedTokens::step(Trie::Node node, std::uint8_t symbol) const {
  for (;; node = fallback_[node]) {
    const Trie::Node next = trie_.child(node, symbol);
    if (next != Trie::kNowhere) return next;
    if (node == trie_.root()) return node;
  }
}

// The longest match at each byte where one begins, the last first.
std::vector<AddedTokens::Match> AddedTokens::find_all(std::string_view text) const {
  std::vector<Match> matches;
  Trie::Node node = trie_.root();
  for (std::size_t i = text.size(); i-- > 0;) {
    node = step(node, static_cast<std::uint8_t>(text[i]));
    const Trie::Node key = longest_key_[node];
    if (key != Trie::kNowhere) matches.push_back({i, i + entries_[key].pattern.size(), key});
  }
  return matches;
}

std::optional<AddedTokens::Match> AddedTokens::take_from(std::vector<Match>& matches, std::size_t from) {
  while (!matches.empty() && matches.back().begin < from) matches.pop_back();
  return matches.empty() ? std::nullopt : std::optional(matches.back());
}

std::size_t AddedTokens::find_first_byte(std::string_view text, std::size_t from) const {
  if (only_first_byte_) return text.find(*only_first_byte_, from);
  while (from < text.size() && !begins_token_[static_cast<std::uint8_t>(text[from])]) ++from;
  return from < text.size() ? from : std::string_view::npos;
}

std::optional<AddedTokens::Match> AddedTokens::find(std::string_view text, std::size_t from) const {
  if (entries_.empty()) return std::nullopt;
  for (;; ++from) {
    from = find_first_byte(text, from);
    if (from == std::string_view::npos) return std::nullopt;
    std::optional<Match> longest;
    Trie::Node node = trie_.root();
    for (std::size_t i = from; i < text.size() && node != Trie::kNowhere; ++i) {
      node = trie_.child(node, static_cast<std::uint8_t>(text[i]));
      if (trie_.is_key(node)) longest = Match{from, i + 1, node};
    }
    if (longest) return longest;
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
