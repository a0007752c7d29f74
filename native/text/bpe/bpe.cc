#include "text/bpe/bpe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "text/buffers.h"
#include "text/byte_tokens.h"
#include "text/token_ids.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// Pairs of ids to their merge: an open-addressed table.
class Merges {
 public:
  struct Merge {
    std::uint32_t rank, merged;
  };

  explicit Merges(const std::vector<BpeMerge>& merges) : slots_(std::bit_ceil(2 * merges.size() + 1)) {
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      const auto& [left, right, merged] = merges[rank];
      Slot& slot = slots_[place(key_of(left, right))];
      slot = {key_of(left, right), {static_cast<std::uint32_t>(rank), merged}};
    }
  }

  const Merge* find(std::uint32_t left, std::uint32_t right) const {
    const Slot& slot = slots_[place(key_of(left, right))];
    return slot.key == kFree ? nullptr : &slot.merge;
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};  // no vocabulary has 2^32 tokens
  struct Slot {
    std::uint64_t key = kFree;
    Merge merge = {};
  };

  static std::uint64_t key_of(std::uint32_t left, std::uint32_t right) { return std::uint64_t{left} << 32 | right; }

  // Where the key is, or would be.
  std::size_t place(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = (key * 0x9e3779b97f4a7c15 >> 24) & mask;
    while (slots_[slot].key != key && slots_[slot].key != kFree) slot = (slot + 1) & mask;
    return slot;
  }

  std::vector<Slot> slots_;
};

constexpr std::uint32_t kNone = UINT32_MAX;

// A token of the word, in a list that is linked both ways; merged away: id kNone.
struct Symbol {
  std::uint32_t id, before, after;
};

struct Candidate {
  std::uint32_t rank, at, merged;
};

struct BpeScratch final : WordModel::Scratch {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::string affixed;
};

class Bpe final : public WordModel {
 public:
  Bpe(TokenIds ids, const BpeSettings& settings, std::optional<std::uint32_t> unk_id)
      : ids_(std::move(ids)),
        merges_(settings.merges),
        unk_id_(unk_id.value_or(kNone)),
        prefix_(settings.continuing_subword_prefix),
        suffix_(settings.end_of_word_suffix),
        fuse_unk_(settings.fuse_unk),
        ignore_merges_(settings.ignore_merges) {
    if (settings.byte_fallback) byte_tokens_.emplace(ids_);
  }

  ScratchPtr make_scratch() const override { return std::make_unique<BpeScratch>(); }

  void tokenize(std::string_view piece, Scratch& scratch, std::vector<std::uint32_t>& ids) const override {
    if (ignore_merges_) {
      if (const auto id = ids_.find(piece)) return ids.push_back(*id);
    }
    auto& [symbols, heap, affixed] = static_cast<BpeScratch&>(scratch);
    symbols.clear();
    split(piece, affixed, symbols);
    merge(symbols, heap);
    for (std::uint32_t at = symbols.empty() ? kNone : 0; at != kNone; at = symbols[at].after) {
      ids.push_back(symbols[at].id);
    }
    release_if_large(symbols);
    release_if_large(heap);
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const override { return ids_.find(token); }
  std::size_t vocab_size() const override { return ids_.size(); }
  std::size_t token_count() const override { return ids_.count(); }

 private:
  // The tokens of the single characters.
  void split(std::string_view piece, std::string& affixed, std::vector<Symbol>& symbols) const {
    const auto add = [&](std::uint32_t id) {
      const auto at = static_cast<std::uint32_t>(symbols.size());
      if (at > 0) symbols[at - 1].after = at;
      symbols.push_back({id, at == 0 ? kNone : at - 1, kNone});
    };
    const std::uint8_t* const begin = utf8::bytes(piece);
    const std::uint8_t* const end = begin + piece.size();
    bool is_unknown = false;  // an unknown token that is not added yet
    for (const std::uint8_t* at = begin; at < end;) {
      const unsigned size = utf8::decode(at, end).size;
      std::string_view character = piece.substr(static_cast<std::size_t>(at - begin), size);
      const bool is_first = at == begin, is_last = at + size == end;
      at += size;
      if ((!is_first && !prefix_.empty()) || (is_last && !suffix_.empty())) {
        affixed.clear();
        if (!is_first) affixed += prefix_;
        affixed += character;
        if (is_last) affixed += suffix_;
        character = affixed;
      }
      if (const auto id = ids_.find(character)) {
        if (is_unknown) add(unk_id_);
        is_unknown = false;
        add(*id);
        continue;
      }
      // As in the reference, an unknown token that waits comes behind the bytes.
      if (byte_tokens_ && byte_tokens_->has_all(character)) {
        for (const char byte : character) add((*byte_tokens_)[byte]);
        continue;
      }
      if (unk_id_ == kNone) continue;
      if (is_unknown && !fuse_unk_) add(unk_id_);
      is_unknown = true;
    }
    if (is_unknown) add(unk_id_);
  }

  void merge(std::vector<Symbol>& symbols, std::vector<Candidate>& heap) const {
    const auto is_later = [](const Candidate& a, const Candidate& b) {
      return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
    };
    heap.clear();
    const auto candidate = [&](std::uint32_t left, std::uint32_t right) -> bool {
      const Merges::Merge* found = merges_.find(symbols[left].id, symbols[right].id);
      if (found == nullptr) return false;
      heap.push_back({found->rank, left, found->merged});
      return true;
    };
    for (std::uint32_t at = 1; at < symbols.size(); ++at) candidate(at - 1, at);
    std::make_heap(heap.begin(), heap.end(), is_later);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), is_later);
      const Candidate top = heap.back();
      heap.pop_back();
      Symbol& left = symbols[top.at];
      if (left.id == kNone || left.after == kNone) continue;
      // One of the two may have been merged since.
      const Merges::Merge* found = merges_.find(left.id, symbols[left.after].id);
      if (found == nullptr || found->merged != top.merged) continue;
      Symbol& right = symbols[left.after];
      left.id = top.merged;
      right.id = kNone;
      left.after = right.after;
      if (left.after != kNone) symbols[left.after].before = top.at;
      if (left.before != kNone && candidate(left.before, top.at)) std::push_heap(heap.begin(), heap.end(), is_later);
      if (left.after != kNone && candidate(top.at, left.after)) std::push_heap(heap.begin(), heap.end(), is_later);
    }
  }

  TokenIds ids_;
  Merges merges_;
  std::uint32_t unk_id_;  // kNone: unknown characters are left out
  std::optional<ByteTokens> byte_tokens_;
  std::string prefix_, suffix_;
  bool fuse_unk_, ignore_merges_;
};

}  // namespace

Result<WordModelPtr> make_bpe(const std::vector<std::string>& vocabulary, BpeSettings settings) {
  TokenIds ids(vocabulary);
  std::optional<std::uint32_t> unk_id;
  if (settings.unk_token) {
    unk_id = ids.find(*settings.unk_token);
    if (!unk_id) {
      return Status{Code::kInvalidArgument, "model.unk_token: " + *settings.unk_token + " is not in the vocabulary"};
    }
  }
  for (const auto& [left, right, merged] : settings.merges) {
    if (std::max({left, right, merged}) >= vocabulary.size()) {
      return Status{Code::kInvalidArgument, "model.merges: an id is beyond the vocabulary"};
    }
  }
  return WordModelPtr(std::make_unique<Bpe>(std::move(ids), settings, unk_id));
}

}  // namespace stillvec::text
