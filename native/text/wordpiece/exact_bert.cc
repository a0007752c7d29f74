#include "text/wordpiece/exact_bert.h"

#include "text/unicode/tables.h"
#include "text/wordpiece/bert_normalizer.h"

namespace stillvec::text {

void ExactBert::encode(std::string_view text, std::u32string& normalized, std::vector<std::uint32_t>& ids) const {
  normalized.clear();
  normalize(normalizer_, text, normalized);

  const std::span<const char32_t> all(normalized);
  std::size_t start = 0;  // of the word
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::uint8_t properties = unicode::properties(all[i]);
    if (!(properties & (unicode::kSpace | unicode::kPunctuation))) continue;
    if (start < i) model_.tokenize(all.subspan(start, i - start), ids);
    if (properties & unicode::kPunctuation) model_.tokenize(all.subspan(i, 1), ids);
    start = i + 1;
  }
  if (start < all.size()) model_.tokenize(all.subspan(start), ids);
}

}  // namespace stillvec::text
