#pragma once

#include "text/steps/normalizer.h"
#include "text/steps/pre_tokenizer.h"

namespace stillvec::text {

// Bytes written as characters that print: GPT-2's alphabet of 256.
NormalizerPtr byte_level_normalizer();  // ByteLevel among normalizers
PreTokenizerPtr byte_level_alphabet();  // the last thing that ByteLevel does among pre-tokenizers
PreTokenizerPtr byte_level_prefix();    // its add_prefix_space: a space before what begins with none
PreTokenizerPtr byte_level_words();     // its use_regex: GPT-2's words

}  // namespace stillvec::text
