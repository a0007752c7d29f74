#include "text/byte_trie.h"

#include <utility>

namespace stillvec::text {

ByteTrie::ByteTrie() : edges_(256), values_(1, kNoValue), mask_(255), shift_(32 - 8) {}

bool ByteTrie::insert(std::string_view key, std::uint32_t value) {
  Node node = kRoot;
  for (const char c : key) {
    const auto byte = static_cast<std::uint8_t>(c);
    Node next = child(node, byte);
    if (next == kNowhere) {
      if (values_.size() == kMaxNodes) return false;
      next = add_child(node, byte);
    }
    node = next;
  }
  if (values_[node] != kNoValue) return false;
  values_[node] = value;
  return true;
}

ByteTrie::Node ByteTrie::walk(std::string_view key) const {
  Node node = kRoot;
  for (std::size_t i = 0; i < key.size() && node != kNowhere; ++i)
    node = child(node, static_cast<std::uint8_t>(key[i]));
  return node;
}

ByteTrie::Match ByteTrie::longest_match(Node from, const std::uint8_t* p, const std::uint8_t* end) const {
  Match longest;
  if (from == kNowhere) return longest;
  Node node = from;
  for (const std::uint8_t* at = p; at < end;) {
    node = child(node, *at++);
    if (node == kNowhere) break;
    if (values_[node] != kNoValue) longest = {values_[node], static_cast<std::size_t>(at - p)};
  }
  return longest;
}

ByteTrie::Node ByteTrie::add_child(Node node, std::uint8_t byte) {
  const Node created = static_cast<Node>(values_.size());
  values_.push_back(kNoValue);
  if (values_.size() * 2 > edges_.size()) grow();
  place({node << 8 | byte, created});
  return created;
}

void ByteTrie::place(Edge edge) {
  std::size_t slot = slot_of(edge.edge);
  while (edges_[slot].edge != kFree) slot = (slot + 1) & mask_;
  edges_[slot] = edge;
}

void ByteTrie::grow() {
  std::vector<Edge> old(edges_.size() * 2);
  std::swap(old, edges_);
  mask_ = edges_.size() - 1;
  --shift_;
  for (const Edge& edge : old) {
    if (edge.edge != kFree) place(edge);
  }
}

}  // namespace stillvec::text
