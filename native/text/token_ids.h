#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stillvec::text {

// The ids of a vocabulary's tokens, by their text: an open-addressed table of ids, the texts in one string.
class TokenIds {
 public:
  TokenIds() : TokenIds(std::vector<std::string>()) {}

  // `vocabulary[id]` is the token's text; empty strings are holes. Of two tokens with one text the later counts.
  explicit TokenIds(const std::vector<std::string>& vocabulary);

  std::optional<std::uint32_t> find(std::string_view token) const;
  std::string_view token(std::uint32_t id) const;

  // One more than the greatest id, and the tokens, which are fewer where ids have holes.
  std::size_t size() const { return ends_.size(); }
  std::size_t count() const { return count_; }

 private:
  static constexpr std::uint32_t kFree = UINT32_MAX;

  static std::uint64_t hash(std::string_view token);

  std::string texts_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::uint32_t> slots_;
  std::size_t count_ = 0;
};

}  // namespace stillvec::text
