#pragma once

#include <cstdint>
#include <string>

#include "text/regex/pattern.h"
#include "text/steps/pre_tokenizer.h"

namespace stillvec::text {

// What becomes of the matches at which a text is split.
enum class SplitBehavior : std::uint8_t {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous,  // matches that touch are one piece
};

// Split. `invert`: what is between the matches counts as one.
PreTokenizerPtr split_at(PatternPtr pattern, SplitBehavior behavior, bool invert);

PreTokenizerPtr bert_pre_tokenizer();                          // BertPreTokenizer
PreTokenizerPtr split_at_character(char32_t delimiter);        // CharDelimiterSplit
PreTokenizerPtr split_digits(bool individually);               // Digits
PreTokenizerPtr split_at_punctuation(SplitBehavior behavior);  // Punctuation
PreTokenizerPtr split_at_spaces();                             // WhitespaceSplit
PreTokenizerPtr split_words();                                 // Whitespace: words, and what is neither word nor space
PreTokenizerPtr split_after(std::size_t characters);           // FixedLength

}  // namespace stillvec::text
