#include "text/exact_encoder.h"

#include "text/bert_normalizer.h"
#include "text/unicode_tables.h"
#include "text/utf8.h"

namespace stillvec::text {

void ExactEncoder::encode(std::string_view text, Buffers& buffers, std::vector<std::uint32_t>& ids) const {
  buffers.normalized.clear();
  normalize(normalizer_, text, buffers.normalized);

  std::string& word = buffers.word;
  std::size_t code_points = 0;
  word.clear();
  const auto end_word = [&] {
    if (code_points != 0) model_.tokenize(word, code_points, ids);
    word.clear();
    code_points = 0;
  };
  for (const char32_t c : buffers.normalized) {
    const std::uint8_t properties = unicode::properties(c);
    if (properties & unicode::kSpace) {
      end_word();
      continue;
    }
    const bool alone = properties & unicode::kPunctuation;
    if (alone) end_word();
    // The rest of a word that is too long anyway need not be kept.
    if (++code_points <= model_.max_input_chars_per_word()) utf8::append(c, word);
    if (alone) end_word();
  }
  end_word();
}

}  // namespace stillvec::text
