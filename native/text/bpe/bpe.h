#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/status.h"
#include "text/word_model.h"

namespace stillvec::text {

// Two tokens that stand side by side become one. The first of a list comes first.
struct BpeMerge {
  std::uint32_t left, right, merged;
};

// The BPE model of a tokenizer.json, less its vocabulary.
struct BpeSettings {
  std::vector<BpeMerge> merges;
  std::optional<std::string> unk_token;   // absent: unknown characters are left out
  std::string continuing_subword_prefix;  // of every character but the first
  std::string end_of_word_suffix;         // of the last one
  bool byte_fallback = false;             // characters that are no tokens are written as the tokens <0x00> ... <0xFF>
  bool fuse_unk = false;                  // unknown characters that follow each other are one token
  bool ignore_merges = false;             // a piece that is a token is that token
};

// Byte pair encoding (Sennrich et al. 2016), as Hugging Face's `tokenizers` does it without dropout: of the pairs of
// neighbours that can be merged that of the first merge in the list, among several the leftmost, until there is none.
// kInvalidArgument, naming the field, for ids beyond the vocabulary and an unk_token that is not in it.
Result<WordModelPtr> make_bpe(const std::vector<std::string>& vocabulary, BpeSettings settings);

}  // namespace stillvec::text
