#include "text/unigram/unigram.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "text/buffers.h"
#include "text/byte_tokens.h"
#include "text/token_ids.h"
#include "text/trie.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// How much less probable than the least probable token an unknown character is.
constexpr double kUnknownPenalty = 10.0;
constexpr std::uint32_t kNowhere = UINT32_MAX;

// The best way to where it stands: its last token begins at `start`.
struct Best {
  double score = 0.0;
  std::uint32_t start = kNowhere;
  std::uint32_t id = 0;
};

struct UnigramScratch final : WordModel::Scratch {
  std::vector<Best> best;  // by the byte that it ends before
  std::vector<std::uint32_t> ends;
};

class Unigram final : public WordModel {
 public:
  Unigram(TokenIds ids, Trie trie, UnigramSettings settings)
      : ids_(std::move(ids)),
        trie_(std::move(trie)),
        scores_(std::move(settings.scores)),
        unk_id_(settings.unk_id),
        unk_score_(*std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty) {
    if (settings.byte_fallback) byte_tokens_.emplace(ids_);
  }

  ScratchPtr make_scratch() const override { return std::make_unique<UnigramScratch>(); }

  void tokenize(std::string_view piece, Scratch& scratch, std::vector<std::uint32_t>& ids) const override {
    auto& [best, ends] = static_cast<UnigramScratch&>(scratch);
    best.assign(piece.size() + 1, {});
    const std::uint8_t* const bytes = utf8::bytes(piece);
    for (std::size_t start = 0; start < piece.size();) {
      const std::size_t character = utf8::decode(bytes + start, bytes + piece.size()).size;
      const double before = best[start].score;
      const auto offer = [&](std::size_t end, double score, std::uint32_t id) {
        if (best[end].start != kNowhere && score <= best[end].score) return;
        best[end] = {score, static_cast<std::uint32_t>(start), id};
      };
      bool is_token = false;  // the character by itself
      Trie::Node node = trie_.root();
      for (std::size_t end = start; end < piece.size();) {
        node = trie_.child(node, bytes[end++]);
        if (node == Trie::kNowhere) break;
        if (!trie_.is_key(node)) continue;
        offer(end, scores_[node] + before, node);
        is_token = is_token || end - start == character;
      }
      if (!is_token) offer(start + character, unk_score_ + before, unk_id_);
      start += character;
    }

    // Backwards, unknown tokens that touch as one.
    ends.clear();
    for (std::size_t end = piece.size(); end > 0; end = best[end].start) {
      const bool continues = !ends.empty() && best[end].id == unk_id_ && best[ends.back()].id == unk_id_;
      if (continues) {
        best[ends.back()].start = best[end].start;
      } else {
        ends.push_back(static_cast<std::uint32_t>(end));
      }
    }
    for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
      const Best& last = best[*end];
      append(piece.substr(last.start, *end - last.start), last.id, ids);
    }
    release_if_large(best);
    release_if_large(ends);
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const override { return ids_.find(token); }
  std::size_t vocab_size() const override { return ids_.size(); }
  std::size_t token_count() const override { return ids_.count(); }

 private:
  void append(std::string_view text, std::uint32_t id, std::vector<std::uint32_t>& ids) const {
    if (id != unk_id_) return ids.push_back(id);
    // A run of unknown characters may be a token, which was less probable.
    if (const auto found = ids_.find(text)) return ids.push_back(*found);
    if (!byte_tokens_ || !byte_tokens_->has_all(text)) return ids.push_back(unk_id_);
    for (const char byte : text) ids.push_back((*byte_tokens_)[byte]);
  }

  TokenIds ids_;
  Trie trie_;
  std::vector<double> scores_;
  std::uint32_t unk_id_;
  double unk_score_;
  std::optional<ByteTokens> byte_tokens_;
};

}  // namespace

Result<WordModelPtr> make_unigram(const std::vector<std::string>& vocabulary, UnigramSettings settings) {
  const std::size_t size = vocabulary.size();
  const bool are_finite =
      std::all_of(settings.scores.begin(), settings.scores.end(), [](double s) { return std::isfinite(s); });
  if (size == 0 || settings.scores.size() != size || !are_finite) {
    return Status{Code::kInvalidArgument, "model.vocab: expected one finite score a token"};
  }
  if (settings.unk_id >= size) return Status{Code::kInvalidArgument, "model.unk_id: is beyond the vocabulary"};
  if (size >= Trie::kNowhere) return Status{Code::kUnsupported, "model.vocab: too many tokens"};

  TokenIds ids(vocabulary);
  std::vector<std::uint32_t> by_length(size);
  std::iota(by_length.begin(), by_length.end(), 0u);
  std::stable_sort(by_length.begin(), by_length.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return vocabulary[a].size() < vocabulary[b].size(); });
  Trie trie(size);
  std::vector<std::uint16_t> symbols;
  for (const std::uint32_t id : by_length) {
    const std::string& token = vocabulary[id];
    // Of two tokens with one text the later counts.
    if (token.empty() || ids.find(token) != id) continue;
    symbols.assign(utf8::bytes(token), utf8::bytes(token) + token.size());
    if (trie.insert(symbols, id) != Trie::Inserted::kYes) {
      return Status{Code::kUnsupported, "model.vocab: too many characters"};
    }
  }
  return WordModelPtr(std::make_unique<Unigram>(std::move(ids), std::move(trie), std::move(settings)));
}

}  // namespace stillvec::text
