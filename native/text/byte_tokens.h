#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "text/token_ids.h"

namespace stillvec::text {

// The tokens <0x00> ... <0xFF> that stand for the bytes of what is no token.
class ByteTokens {
 public:
  explicit ByteTokens(const TokenIds& ids) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (std::size_t byte = 0; byte < ids_.size(); ++byte) {
      const std::string token = {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
      ids_[byte] = ids.find(token).value_or(kAbsent);
    }
  }

  bool has_all(std::string_view bytes) const {
    return std::all_of(bytes.begin(), bytes.end(), [this](char byte) { return (*this)[byte] != kAbsent; });
  }

  std::uint32_t operator[](char byte) const { return ids_[static_cast<std::uint8_t>(byte)]; }

 private:
  static constexpr std::uint32_t kAbsent = UINT32_MAX;
  std::array<std::uint32_t, 256> ids_;
};

}  // namespace stillvec::text
