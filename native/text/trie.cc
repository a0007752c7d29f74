#include "text/trie.h"

#include <utility>

namespace stillvec::text {
namespace {

constexpr unsigned kFirstBits = 8;

}  // namespace

Trie::Trie(std::size_t keys)
    : slots_(std::size_t{1} << kFirstBits, kFree),
      mask_(slots_.size() - 1),
      shift_(64 - kFirstBits),
      root_(static_cast<Node>(keys)),
      next_node_(keys + 1) {}

Trie::Inserted Trie::insert(std::span<const std::uint16_t> key, std::uint32_t number) {
  Node node = root_;
  for (std::size_t i = 0; i < key.size(); ++i) {
    Node next = child(node, key[i]);
    const bool last = i + 1 == key.size();
    if (next == kNowhere) {
      if (next_node_ >= kNowhere) return Inserted::kFull;
      next = last ? number : static_cast<Node>(next_node_++);
      if (++edges_ * 3 > slots_.size() * 2) grow();
      place(std::uint64_t{node} << 40 | std::uint64_t{key[i]} << 24 | next);
    } else if (last) {
      return Inserted::kDuplicate;
    }
    node = next;
  }
  return Inserted::kYes;
}

void Trie::place(std::uint64_t edge) {
  std::size_t slot = slot_of(edge >> 24);
  while (slots_[slot] != kFree) slot = (slot + 1) & mask_;
  slots_[slot] = edge;
}

void Trie::grow() {
  std::vector<std::uint64_t> old(slots_.size() * 2, kFree);
  std::swap(old, slots_);
  mask_ = slots_.size() - 1;
  --shift_;
  for (const std::uint64_t edge : old) {
    if (edge != kFree) place(edge);
  }
}

}  // namespace stillvec::text
