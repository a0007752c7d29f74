#include "text/wordpiece/wordpiece.h"

#include <algorithm>
#include <numeric>

#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// The ids of the tokens, the shorter ones first.
std::vector<std::uint32_t> by_length(const std::vector<std::string>& vocabulary) {
  std::vector<std::uint32_t> ids(vocabulary.size());
  std::iota(ids.begin(), ids.end(), 0u);
  std::stable_sort(ids.begin(), ids.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return vocabulary[a].size() < vocabulary[b].size(); });
  return ids;
}

}  // namespace

Result<WordPiece> WordPiece::create(const std::vector<std::string>& vocabulary, const WordPieceSettings& settings) {
  const Status too_many = {Code::kUnsupported, "model.vocab: too many tokens"};
  if (vocabulary.size() >= Trie::kNowhere) return too_many;
  WordPiece model(vocabulary.size());
  std::vector<std::uint16_t> symbols;
  for (const std::uint32_t id : by_length(vocabulary)) {
    const std::string& token = vocabulary[id];
    if (token.empty()) continue;
    symbols.clear();
    const std::uint8_t* const end = utf8::bytes(token) + token.size();
    for (const std::uint8_t* at = utf8::bytes(token); at < end;) {
      const utf8::Decoded next = utf8::decode(at, end);
      symbols.push_back(model.alphabet_.add(next.code_point));
      if (symbols.back() == Alphabet::kAbsent) return Status{Code::kUnsupported, "model.vocab: too many characters"};
      at += next.size;
    }
    switch (model.trie_.insert(symbols, id)) {
      case Trie::Inserted::kYes: break;
      case Trie::Inserted::kFull: return too_many;
      case Trie::Inserted::kDuplicate:
        return Status{Code::kInvalidArgument,
                      "model.vocab: token " + token + " has two ids, one of them " + std::to_string(id)};
    }
  }
  const std::optional<std::uint32_t> unk_id = model.id_of(settings.unk_token);
  if (!unk_id) {
    return Status{Code::kInvalidArgument, "model.unk_token: " + settings.unk_token + " is not in the vocabulary"};
  }
  model.unk_id_ = *unk_id;
  model.continuation_ = model.walk(settings.continuing_subword_prefix);
  model.max_input_chars_per_word_ = settings.max_input_chars_per_word;
  return model;
}

Trie::Node WordPiece::walk(std::string_view text) const {
  Trie::Node node = trie_.root();
  const std::uint8_t* const end = utf8::bytes(text) + text.size();
  for (const std::uint8_t* at = utf8::bytes(text); at < end && node != Trie::kNowhere;) {
    const utf8::Decoded next = utf8::decode(at, end);
    node = trie_.child(node, alphabet_[next.code_point]);
    at += next.size;
  }
  return node;
}

std::optional<std::uint32_t> WordPiece::id_of(std::string_view token) const {
  const Trie::Node node = walk(token);
  return trie_.is_key(node) ? std::optional(node) : std::nullopt;
}

template <typename Unit>
void WordPiece::tokenize_units(std::span<const Unit> word, std::vector<std::uint32_t>& ids) const {
  if (word.size() > max_input_chars_per_word_) {
    ids.push_back(unk_id_);
    return;
  }
  const std::size_t before = ids.size();
  Trie::Node from = trie_.root();
  for (std::size_t start = 0; start < word.size();) {
    Trie::Node longest = Trie::kNowhere;
    std::size_t end = start;
    Trie::Node node = from;
    for (std::size_t i = start; i < word.size() && node != Trie::kNowhere; ++i) {
      node = trie_.child(node, alphabet_[word[i]]);
      if (trie_.is_key(node)) {
        longest = node;
        end = i + 1;
      }
    }
    if (longest == Trie::kNowhere) {
      ids.resize(before);
      ids.push_back(unk_id_);
      return;
    }
    ids.push_back(longest);
    start = end;
    from = continuation_;
  }
}

void WordPiece::tokenize(std::span<const std::uint8_t> word, std::vector<std::uint32_t>& ids) const {
  tokenize_units(word, ids);
}

void WordPiece::tokenize(std::span<const char32_t> word, std::vector<std::uint32_t>& ids) const {
  tokenize_units(word, ids);
}

}  // namespace stillvec::text
