#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/wordpiece/bert_normalizer.h"
#include "text/wordpiece/wordpiece.h"

namespace stillvec::text {

// Normalizes a text, splits it as BertPreTokenizer does and tokenizes the words, one code point at a time: the
// reference for CachedBert, and what that falls back on.
class ExactBert {
 public:
  // `model` must outlive this.
  ExactBert(const WordPiece& model, std::optional<BertNormalizer> normalizer)
      : model_(model), normalizer_(normalizer) {}

  const WordPiece& model() const { return model_; }
  const std::optional<BertNormalizer>& normalizer() const { return normalizer_; }

  // Appends the ids of `text`. Added tokens are not looked for. `normalized` is a buffer to work in.
  void encode(std::string_view text, std::u32string& normalized, std::vector<std::uint32_t>& ids) const;

 private:
  const WordPiece& model_;
  std::optional<BertNormalizer> normalizer_;
};

}  // namespace stillvec::text
