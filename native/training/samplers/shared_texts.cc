#include "training/samplers/shared_texts.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>

namespace stillvec::training {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

// The number of its text for each cell, row by row; kNone where no other row has the text.
class TextNumbers {
 public:
  explicit TextNumbers(const Source& source)
      : source_(source), columns_(source.columns.size()), of_cell_(source.text_hashes.size()) {
    const std::size_t mask = std::bit_ceil(of_cell_.size() + of_cell_.size() / 2 + 1) - 1;
    std::vector<std::uint32_t> slots(mask + 1, kNone);
    std::vector<std::size_t> first_cells;
    std::vector<bool> shared;
    for (std::size_t cell = 0; cell < of_cell_.size(); ++cell) {
      std::size_t slot = source.text_hashes[cell] & mask;
      while (slots[slot] != kNone && !same(first_cells[slots[slot]], cell)) slot = (slot + 1) & mask;
      if (slots[slot] == kNone) {
        slots[slot] = static_cast<std::uint32_t>(first_cells.size());
        first_cells.push_back(cell);
        shared.push_back(false);
      }
      const std::uint32_t text = of_cell_[cell] = slots[slot];
      if (cell / columns_ != first_cells[text] / columns_) shared[text] = true;
    }
    std::vector<std::uint32_t> numbers(shared.size(), kNone);
    for (std::size_t text = 0; text < shared.size(); ++text) {
      if (shared[text]) numbers[text] = count_++;
    }
    for (std::uint32_t& text : of_cell_) text = numbers[text];
  }

  std::uint32_t count() const { return count_; }
  std::span<const std::uint32_t> of_row(std::size_t row) const { return {of_cell_.data() + row * columns_, columns_}; }

 private:
  std::span<const std::uint32_t> ids(std::size_t cell) const {
    const TokenColumn& column = *source_.columns[cell % columns_];
    const std::size_t row = cell / columns_;
    return {column.ids.data() + column.offsets[row], column.ids.data() + column.offsets[row + 1]};
  }
  bool same(std::size_t a, std::size_t b) const {
    return source_.text_hashes[a] == source_.text_hashes[b] && std::ranges::equal(ids(a), ids(b));
  }

  const Source& source_;
  const std::size_t columns_;
  std::vector<std::uint32_t> of_cell_;
  std::uint32_t count_ = 0;
};

}  // namespace

SharedTexts find_shared_texts(const Source& source) {
  const TextNumbers numbers(source);
  SharedTexts shared;
  shared.count = numbers.count();
  shared.class_of.assign(source.rows(), SharedTexts::kNoClass);
  std::vector<std::uint32_t> class_of_text(shared.count, kNone);  // of the rows that share one text
  std::map<std::vector<std::uint32_t>, std::uint32_t> class_of_texts;
  std::vector<std::uint32_t> texts;
  for (std::size_t row = 0; row < source.rows(); ++row) {
    texts.clear();
    std::ranges::copy_if(numbers.of_row(row), std::back_inserter(texts),
                         [](std::uint32_t text) { return text != kNone; });
    if (texts.empty()) continue;
    std::ranges::sort(texts);
    texts.erase(std::ranges::unique(texts).begin(), texts.end());
    const auto next = static_cast<std::uint32_t>(shared.class_ends.size());
    std::uint32_t& known =
        texts.size() == 1 ? class_of_text[texts[0]] : class_of_texts.try_emplace(texts, kNone).first->second;
    if (known == kNone) {
      known = next;
      shared.texts.insert(shared.texts.end(), texts.begin(), texts.end());
      shared.class_ends.push_back(static_cast<std::uint32_t>(shared.texts.size()));
    }
    shared.class_of[row] = known;
  }
  return shared;
}

}  // namespace stillvec::training
