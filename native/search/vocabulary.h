#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stillvec::search {

// Numbers words, which are any bytes, in the order in which they are added.
class Vocabulary {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  std::size_t size() const { return offsets_.size() - 1; }
  std::string_view operator[](std::size_t id) const {
    return std::string_view(bytes_).substr(offsets_[id], offsets_[id + 1] - offsets_[id]);
  }

  // kNone where the word is not here.
  std::uint32_t find(std::string_view word) const;
  // The number that the word has or is given.
  std::uint32_t add(std::string_view word);

  // All words one after the other, and where each begins, with the end of the last.
  std::string_view bytes() const { return bytes_; }
  std::span<const std::uint64_t> offsets() const { return offsets_; }

 private:
  std::size_t slot_of(std::string_view word, std::uint32_t hash) const;
  void grow();

  std::string bytes_;
  std::vector<std::uint64_t> offsets_ = {0};
  std::vector<std::uint32_t> hashes_;  // of each word
  std::vector<std::uint32_t> slots_;   // a power of two, at most half of them in use; kNone: empty
};

}  // namespace stillvec::search
