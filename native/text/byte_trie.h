#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace stillvec::text {

// Strings to numbers, by the bytes of the string. One open-addressed table holds all edges (node, byte) -> child, so
// building is one insertion a byte and no sorting, and a step costs one probe.
class ByteTrie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNowhere = 0xffffff;
  static constexpr std::uint32_t kNoValue = 0xffffffff;
  static constexpr std::size_t kMaxNodes = kNowhere;

  ByteTrie();

  // False, with nothing changed but unused nodes, when `key` has a value already or the trie is full.
  bool insert(std::string_view key, std::uint32_t value);

  Node child(Node node, std::uint8_t byte) const {
    const std::uint32_t edge = node << 8 | byte;
    for (std::size_t slot = slot_of(edge);; slot = (slot + 1) & mask_) {
      if (edges_[slot].edge == edge) return edges_[slot].child;
      if (edges_[slot].edge == kFree) return kNowhere;
    }
  }

  std::uint32_t value(Node node) const { return values_[node]; }

  // Where `key` leads; kNowhere when nothing in the trie begins so.
  Node walk(std::string_view key) const;

  struct Match {
    std::uint32_t value = kNoValue;
    std::size_t size = 0;  // bytes; 0 when nothing matches
  };

  // The longest key that [p, end) begins with, of those that pass through `from`, whose own bytes are not looked for.
  Match longest_match(Node from, const std::uint8_t* p, const std::uint8_t* end) const;

 private:
  static constexpr std::uint32_t kFree = 0xffffffff;  // no edge: the node of its upper bits is kNowhere

  struct Edge {
    std::uint32_t edge = kFree;
    Node child = 0;
  };

  std::size_t slot_of(std::uint32_t edge) const { return (edge * 0x9e3779b1u) >> shift_; }
  Node add_child(Node node, std::uint8_t byte);
  void place(Edge edge);
  void grow();

  std::vector<Edge> edges_;
  std::vector<std::uint32_t> values_;  // by node
  std::size_t mask_;
  unsigned shift_;
};

}  // namespace stillvec::text
