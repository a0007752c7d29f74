#include "text/wordpiece.h"

#include "text/utf8.h"

namespace stillvec::text {

Result<WordPiece> WordPiece::create(const std::vector<std::string>& vocabulary, std::string_view unk_token,
                                    std::string_view continuing_subword_prefix, std::size_t max_input_chars_per_word) {
  WordPiece model;
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& token = vocabulary[id];
    if (token.empty() || model.trie_.insert(token, static_cast<std::uint32_t>(id))) continue;
    const std::uint32_t first = model.id_of(token);
    if (first == ByteTrie::kNoValue) return Status{Code::kUnsupported, "model.vocab: too many tokens"};
    return Status{Code::kInvalidArgument, "model.vocab: token " + token + " has the ids " + std::to_string(first) +
                                              " and " + std::to_string(id)};
  }
  model.unk_id_ = model.id_of(unk_token);
  if (model.unk_id_ == ByteTrie::kNoValue) {
    return Status{Code::kInvalidArgument, "model.unk_token: " + std::string(unk_token) + " is not in the vocabulary"};
  }
  model.continuation_ = model.trie_.walk(continuing_subword_prefix);
  model.max_input_chars_per_word_ = max_input_chars_per_word;
  return model;
}

std::uint32_t WordPiece::id_of(std::string_view token) const {
  if (token.empty()) return ByteTrie::kNoValue;
  const ByteTrie::Node node = trie_.walk(token);
  return node == ByteTrie::kNowhere ? ByteTrie::kNoValue : trie_.value(node);
}

void WordPiece::tokenize(std::string_view word, std::size_t code_points, std::vector<std::uint32_t>& ids) const {
  if (code_points > max_input_chars_per_word_) {
    ids.push_back(unk_id_);
    return;
  }
  const std::size_t before = ids.size();
  const std::uint8_t* at = utf8::bytes(word);
  const std::uint8_t* const end = at + word.size();
  ByteTrie::Node from = ByteTrie::kRoot;
  while (at < end) {
    const ByteTrie::Match piece = trie_.longest_match(from, at, end);
    if (piece.size == 0) {
      ids.resize(before);
      ids.push_back(unk_id_);
      return;
    }
    ids.push_back(piece.value);
    at += piece.size;
    from = continuation_;
  }
}

}  // namespace stillvec::text
