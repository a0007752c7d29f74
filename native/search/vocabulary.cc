#include "search/vocabulary.h"

#include <functional>

namespace stillvec::search {
namespace {

std::uint32_t hash_of(std::string_view word) {
  const std::uint64_t hash = std::hash<std::string_view>()(word) * 0x9e3779b97f4a7c15;
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

std::uint32_t Vocabulary::find(std::string_view word) const {
  return slots_.empty() ? kNone : slots_[slot_of(word, hash_of(word))];
}

std::uint32_t Vocabulary::add(std::string_view word) {
  if (2 * (size() + 1) > slots_.size()) grow();
  const std::uint32_t hash = hash_of(word);
  std::uint32_t& id = slots_[slot_of(word, hash)];
  if (id == kNone) {
    id = static_cast<std::uint32_t>(size());
    bytes_.append(word);
    offsets_.push_back(bytes_.size());
    hashes_.push_back(hash);
  }
  return id;
}

// The slot of the word, or the empty one that it would take.
std::size_t Vocabulary::slot_of(std::string_view word, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const std::uint32_t id = slots_[slot];
    if (id == kNone || (hashes_[id] == hash && (*this)[id] == word)) return slot;
  }
}

void Vocabulary::grow() {
  slots_.assign(slots_.empty() ? 64 : 2 * slots_.size(), kNone);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t id = 0; id < size(); ++id) {
    std::size_t slot = hashes_[id] & mask;
    while (slots_[slot] != kNone) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint32_t>(id);
  }
}

}  // namespace stillvec::search
