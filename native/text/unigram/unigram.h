#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/status.h"
#include "text/word_model.h"

namespace stillvec::text {

// The Unigram model of a tokenizer.json, less its vocabulary.
struct UnigramSettings {
  std::vector<double> scores;  // of each token: the logarithm of its probability
  std::uint32_t unk_id = 0;    // of characters that are no tokens; runs of them are one
  bool byte_fallback = false;  // such runs are written as the tokens <0x00> ... <0xFF>
};

// The most probable tokens of a piece (Kudo 2018), found by Viterbi's algorithm in double, as Hugging Face's
// `tokenizers` does it. kInvalidArgument, naming the field, for scores that are not one finite number a token and an
// unk_id beyond them.
Result<WordModelPtr> make_unigram(const std::vector<std::string>& vocabulary, UnigramSettings settings);

}  // namespace stillvec::text
