#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace stillvec::text {

// Appends to `out` what the BertNormalizer makes of `text`: clean_text, then handle_chinese_chars, then decomposition
// and strip_accents, then lowercase. Without a normalizer, the text's code points as they are.
//
// Normalization never looks across a code point that separates words, so the parts of a text that is cut at such code
// points can be normalized one by one.
void normalize(const std::optional<BertNormalizer>& normalizer, std::string_view text, std::u32string& out);

}  // namespace stillvec::text
