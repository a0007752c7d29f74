#include "search/word_bags.h"

namespace stillvec::search {

void WordBags::add_word(std::string_view word) {
  const std::uint32_t id = words_.add(word);
  if (id == last_entry_.size()) last_entry_.push_back(0);
  ++length_;
  if (last_entry_[id] > offsets_.back()) {
    ++entries_[last_entry_[id] - 1].count;
    return;
  }
  entries_.push_back({id, 1});
  last_entry_[id] = entries_.size();
}

void WordBags::end_text() {
  offsets_.push_back(entries_.size());
  lengths_.push_back(length_);
  length_ = 0;
}

void WordBags::append(const WordBags& other) {
  std::vector<std::uint32_t> ids(other.words_.size());
  for (std::size_t word = 0; word < ids.size(); ++word) ids[word] = words_.add(other.words_[word]);
  last_entry_.resize(words_.size(), 0);
  const std::uint64_t base = entries_.size();
  for (const Entry& entry : other.entries_) entries_.push_back({ids[entry.word], entry.count});
  for (std::size_t text = 0; text < other.count(); ++text) offsets_.push_back(base + other.offsets_[text + 1]);
  lengths_.insert(lengths_.end(), other.lengths_.begin(), other.lengths_.end());
}

}  // namespace stillvec::search
