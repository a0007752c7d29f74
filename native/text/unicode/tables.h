#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// What the reference tokenizer does with each code point. The data are generated (scripts/unicode); they follow no one
// edition of the Unicode standard, because the reference does not.
namespace stillvec::text::unicode {

enum Property : std::uint8_t {
  kDropped = 1,      // removed by clean_text
  kSpace = 2,        // separates words
  kPunctuation = 4,  // a word of its own
  kIdeograph = 8,    // set between spaces by handle_chinese_chars
  kMark = 16,        // removed by strip_accents
  kWord = 32,        // may not touch a single_word token
  kNumeric = 64,     // a digit of the pre-tokenizer Digits
  kAccent = 128,     // removed by the normalizer StripAccents
};

// General categories as regular expressions know them.
enum Category : std::uint8_t {
  kCn,
  kLu,
  kLl,
  kLt,
  kLm,
  kLo,
  kMn,
  kMc,
  kMe,
  kNd,
  kNl,
  kNo,
  kPc,
  kPd,
  kPs,
  kPe,
  kPi,
  kPf,
  kPo,
  kSm,
  kSc,
  kSk,
  kSo,
  kZs,
  kZl,
  kZp,
  kCc,
  kCf,
  kCo
};

// Two stages: the code point's block of 128, then its place in the block. Equal blocks are stored once; what lies
// beyond the last block has the value 0.
inline constexpr unsigned kBlockBits = 7;

extern const std::size_t kPropertiesBlocks, kCombiningClassBlocks, kLowercaseBlocks, kDecompositionBlocks,
    kCompatibilityBlocks, kCategoryBlocks, kGraphemeBlocks;
extern const std::uint8_t kPropertiesIndex[], kCombiningClassIndex[], kLowercaseIndex[], kDecompositionIndex[],
    kCompatibilityIndex[], kGraphemeIndex[];
extern const std::uint16_t kCategoryIndex[];
extern const std::uint8_t kPropertiesData[], kCombiningClassData[], kLowercaseData[], kCategoryData[], kGraphemeData[];
extern const std::int32_t kLowercaseDistances[];
extern const std::uint16_t kDecompositionData[], kCompatibilityData[];
extern const std::uint32_t kDecompositionPool[];
extern const std::size_t kCompositions;
extern const std::uint32_t kCompositionPairs[];  // first, second, composed; sorted

template <typename Index, typename T>
T look_up(char32_t c, std::size_t blocks, const Index* index, const T* data) {
  const std::size_t block = c >> kBlockBits;
  if (block >= blocks) return 0;
  return data[(std::size_t{index[block]} << kBlockBits) + (c & ((1u << kBlockBits) - 1))];
}

inline std::uint8_t properties(char32_t c) { return look_up(c, kPropertiesBlocks, kPropertiesIndex, kPropertiesData); }

inline std::uint8_t combining_class(char32_t c) {
  return look_up(c, kCombiningClassBlocks, kCombiningClassIndex, kCombiningClassData);
}

// The lower case of every code point but U+0130, which becomes two: U+0069 U+0307.
inline char32_t lowercase(char32_t c) {
  return c + static_cast<char32_t>(kLowercaseDistances[look_up(c, kLowercaseBlocks, kLowercaseIndex, kLowercaseData)]);
}

// The full canonical decomposition; empty for what has none, and for Hangul syllables, which are computed.
inline std::span<const std::uint32_t> decomposition(char32_t c) {
  const std::uint32_t* entry =
      kDecompositionPool + look_up(c, kDecompositionBlocks, kDecompositionIndex, kDecompositionData);
  return {entry + 1, *entry};
}

// The full compatibility decomposition where it is another than the canonical one; else empty.
inline std::span<const std::uint32_t> compatibility(char32_t c) {
  const std::uint32_t* entry =
      kDecompositionPool + look_up(c, kCompatibilityBlocks, kCompatibilityIndex, kCompatibilityData);
  return {entry + 1, *entry};
}

inline Category category(char32_t c) {
  return static_cast<Category>(look_up(c, kCategoryBlocks, kCategoryIndex, kCategoryData));
}

// Whether the character joins the one before it to one grapheme.
inline bool is_extending(char32_t c) { return (look_up(c, kGraphemeBlocks, kGraphemeIndex, kGraphemeData) & 1) != 0; }

// Whether nothing that follows joins the character, as it is with controls.
inline bool is_alone(char32_t c) { return (look_up(c, kGraphemeBlocks, kGraphemeIndex, kGraphemeData) & 2) != 0; }

}  // namespace stillvec::text::unicode
