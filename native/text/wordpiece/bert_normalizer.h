#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stillvec::text {

// The BertNormalizer of a tokenizer.json.
struct BertNormalizer {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents;  // absent: as `lowercase`
  bool lowercase = true;
};

// Appends to `out` what the BertNormalizer makes of `text`: clean_text, then handle_chinese_chars, then decomposition
// and strip_accents, then lowercase. Without a normalizer, the text's code points as they are.
//
// Normalization never looks across a code point that separates words, so the parts of a text that is cut at such code
// points can be normalized one by one.
void normalize(const std::optional<BertNormalizer>& normalizer, std::string_view text, std::u32string& out);

}  // namespace stillvec::text
