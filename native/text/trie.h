#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stillvec::text {

// Strings of 16-bit symbols to numbers. One open-addressed table holds all edges: node, symbol and child fill the 64
// bits of a slot. The node where a key ends bears the key's number, so a walk reads nothing but the slots.
class Trie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kNowhere = 0xffffff;

  Trie() : Trie(0) {}
  explicit Trie(std::size_t keys);  // the numbers of the keys are below this

  enum class Inserted { kYes, kDuplicate, kFull };

  // Keys come in ascending order of length: so no key ends at a node that was made, and numbered, for a longer one.
  Inserted insert(std::span<const std::uint16_t> key, std::uint32_t number);

  Node root() const { return root_; }
  bool is_key(Node node) const { return node < root_; }

  // kNowhere when no key goes on so.
  Node child(Node node, std::uint16_t symbol) const {
    const std::uint64_t edge = std::uint64_t{node} << 16 | symbol;
    for (std::size_t slot = slot_of(edge);; slot = (slot + 1) & mask_) {
      const std::uint64_t found = slots_[slot];
      if (found >> 24 == edge) return static_cast<Node>(found & kNowhere);
      if (found == kFree) return kNowhere;
    }
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};  // as an edge, it would start from kNowhere

  std::size_t slot_of(std::uint64_t edge) const { return (edge * 0x9e3779b97f4a7c15) >> shift_; }
  void place(std::uint64_t slot);
  void grow();

  std::vector<std::uint64_t> slots_;
  std::size_t edges_ = 0;
  std::size_t mask_;
  unsigned shift_;
  Node root_;
  std::size_t next_node_;
};

}  // namespace stillvec::text
