#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "text/unicode/tables.h"

namespace stillvec::text::regex {

// A set of code points, as a class of a regular expression names it.
class CharacterSet {
 public:
  void add_range(char32_t first, char32_t last) { items_.push_back({first, last, 0, 0, false}); }
  // `categories` and `properties`: a bit each.
  void add_categories(std::uint32_t categories, bool is_negated) {
    items_.push_back({0, 0, categories, 0, is_negated});
  }
  void add_properties(std::uint8_t properties, bool is_negated) { items_.push_back({0, 0, 0, properties, is_negated}); }
  void add_set(CharacterSet set) { sets_.push_back(std::move(set)); }
  // Only what is in `set` too.
  void intersect(CharacterSet set) { limits_.push_back(std::move(set)); }
  void negate() { is_negated_ = !is_negated_; }

  // Looks the ASCII characters up in advance; nothing may be added any more.
  void finish() {
    for (char32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = look_up(c);
  }

  bool contains(char32_t c) const { return c < ascii_.size() ? ascii_[c] : look_up(c); }

  // Whether it is plain that nothing else is in it.
  bool is_ascii() const {
    return !is_negated_ && sets_.empty() && std::all_of(items_.begin(), items_.end(), [](const Item& item) {
      return item.categories == 0 && item.properties == 0 && item.last < 0x80;
    });
  }

 private:
  struct Item {
    char32_t first, last;
    std::uint32_t categories;
    std::uint8_t properties;
    bool is_negated;

    bool contains(char32_t c) const {
      if (categories != 0) return ((categories >> unicode::category(c) & 1) != 0) != is_negated;
      if (properties != 0) return ((unicode::properties(c) & properties) != 0) != is_negated;
      return c >= first && c <= last;
    }
  };

  bool look_up(char32_t c) const {
    const auto has = [c](const auto& part) { return part.contains(c); };
    const auto includes = [c](const CharacterSet& set) { return set.look_up(c); };
    const bool is_in =
        std::any_of(items_.begin(), items_.end(), has) || std::any_of(sets_.begin(), sets_.end(), includes);
    return (is_in && std::all_of(limits_.begin(), limits_.end(), includes)) != is_negated_;
  }

  std::vector<Item> items_;
  std::vector<CharacterSet> sets_, limits_;
  bool is_negated_ = false;
  std::array<bool, 128> ascii_ = {};
};

// What \w matches: letters, marks, digits, connectors, letters in circles and squares; outside of a class Latin-1's
// raised digits and fractions, too, for which Oniguruma has a table of its own.
template <bool kInClass>
inline const CharacterSet& word_characters() {
  static const CharacterSet set = [] {
    CharacterSet made;
    made.add_categories(0b11111u << unicode::kLu | 0b111u << unicode::kMn | 1u << unicode::kNd | 1u << unicode::kNl |
                            1u << unicode::kPc,
                        false);
    if (!kInClass) {
      made.add_range(0xb2, 0xb3);
      made.add_range(0xb9, 0xb9);
      made.add_range(0xbc, 0xbe);
    }
    made.add_range(0x24b6, 0x24e9);
    made.add_range(0x1f130, 0x1f149);
    made.add_range(0x1f150, 0x1f169);
    made.add_range(0x1f170, 0x1f189);
    made.finish();
    return made;
  }();
  return set;
}

}  // namespace stillvec::text::regex
