#include "text/token_ids.h"

#include <bit>
#include <cstring>

namespace stillvec::text {

TokenIds::TokenIds(const std::vector<std::string>& vocabulary)
    : slots_(std::bit_ceil(2 * vocabulary.size() + 1), kFree) {
  std::size_t bytes = 0;
  for (const std::string& token : vocabulary) bytes += token.size();
  texts_.reserve(bytes);
  ends_.reserve(vocabulary.size());
  for (const std::string& token : vocabulary) {
    const auto id = static_cast<std::uint32_t>(ends_.size());
    texts_ += token;
    ends_.push_back(static_cast<std::uint32_t>(texts_.size()));
    if (token.empty()) continue;
    ++count_;
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash(token) & mask;
    while (slots_[slot] != kFree && this->token(slots_[slot]) != token) slot = (slot + 1) & mask;
    slots_[slot] = id;
  }
}

std::optional<std::uint32_t> TokenIds::find(std::string_view token) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash(token) & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == kFree) return std::nullopt;
    if (this->token(slots_[slot]) == token) return slots_[slot];
  }
}

std::string_view TokenIds::token(std::uint32_t id) const {
  const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
  return std::string_view(texts_).substr(begin, ends_[id] - begin);
}

std::uint64_t TokenIds::hash(std::string_view token) {
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  std::uint64_t mixed = token.size() * kMultiplier;
  while (!token.empty()) {
    std::uint64_t part = 0;
    const std::size_t size = token.size() < sizeof part ? token.size() : sizeof part;
    std::memcpy(&part, token.data(), size);
    mixed = (std::rotl(mixed, 23) ^ part) * kMultiplier;
    token.remove_prefix(size);
  }
  return mixed ^ mixed >> 32;
}

}  // namespace stillvec::text
