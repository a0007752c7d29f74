#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stillvec::text {

// Numbers the code points that occur in a vocabulary from 1, so that they fit 16 bits. Two stages, as in
// unicode/tables.h.
class Alphabet {
 public:
  static constexpr std::uint16_t kAbsent = 0;

  Alphabet() : pages_(kCodePoints >> kPageBits, 0), symbols_(kPageSize, kAbsent) {}

  // kAbsent when there are no numbers left.
  std::uint16_t add(char32_t c) {
    std::uint16_t& page = pages_[c >> kPageBits];
    if (page == 0) {
      page = static_cast<std::uint16_t>(symbols_.size() >> kPageBits);
      symbols_.resize(symbols_.size() + kPageSize, kAbsent);
    }
    std::uint16_t& symbol = symbols_[place(page, c)];
    if (symbol == kAbsent && count_ < 0xffff) symbol = static_cast<std::uint16_t>(++count_);
    return symbol;
  }

  std::uint16_t operator[](char32_t c) const { return symbols_[place(pages_[c >> kPageBits], c)]; }

 private:
  static constexpr std::size_t kCodePoints = 0x110000;
  static constexpr unsigned kPageBits = 7;
  static constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;

  static std::size_t place(std::uint16_t page, char32_t c) {
    return (std::size_t{page} << kPageBits) + (c & (kPageSize - 1));
  }

  std::vector<std::uint16_t> pages_;    // by block of code points; page 0 has no symbols
  std::vector<std::uint16_t> symbols_;  // page by page
  std::size_t count_ = 0;
};

}  // namespace stillvec::text
