#pragma once

#include <optional>
#include <string>

#include "text/regex/pattern.h"
#include "text/steps/normalizer.h"
#include "text/unicode/normal_form.h"
#include "text/wordpiece/bert_normalizer.h"

// The normalizers of a tokenizer.json that are a few lines each.
namespace stillvec::text {

NormalizerPtr normal_form(unicode::NormalForm form);             // NFC, NFD, NFKC, NFKD
NormalizerPtr bert_normalizer(const BertNormalizer& options);    // BertNormalizer
NormalizerPtr lowercase();                                       // Lowercase
NormalizerPtr nmt();                                             // Nmt
NormalizerPtr prepend(std::string prefix);                       // Prepend
NormalizerPtr replace(PatternPtr pattern, std::string content);  // Replace
NormalizerPtr strip(bool left, bool right);                      // Strip
NormalizerPtr strip_accents();                                   // StripAccents

}  // namespace stillvec::text
