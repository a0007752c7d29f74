#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "search/vocabulary.h"

namespace stillvec::search {

// Texts as bags of words: which words each has, in the order of first appearance, and how often.
class WordBags {
 public:
  struct Entry {
    std::uint32_t word;
    std::uint32_t count;
  };

  // Adds a word to the text that the next end_text() ends.
  void add_word(std::string_view word);
  void end_text();
  // Adds the texts of another collection behind its own.
  void append(const WordBags& other);

  const Vocabulary& words() const { return words_; }
  std::size_t count() const { return lengths_.size(); }
  std::span<const Entry> operator[](std::size_t text) const {
    return std::span(entries_).subspan(offsets_[text], offsets_[text + 1] - offsets_[text]);
  }
  // Words of each text, repeated ones too.
  std::span<const std::uint32_t> lengths() const { return lengths_; }

 private:
  Vocabulary words_;
  std::vector<Entry> entries_;
  std::vector<std::uint64_t> offsets_ = {0};
  std::vector<std::uint32_t> lengths_;
  std::vector<std::uint64_t> last_entry_;  // of each word, 1 + its last entry
  std::uint32_t length_ = 0;               // of the text that has not ended
};

}  // namespace stillvec::search
