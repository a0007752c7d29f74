#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/status.h"
#include "text/pipeline.h"
#include "text/wordpiece/bert_normalizer.h"
#include "text/wordpiece/wordpiece.h"

namespace stillvec::text {

// WordPiece behind BertPreTokenizer, and BertNormalizer if there is one. `vocabulary[id]` is the token's text; empty
// strings are holes. kInvalidArgument, naming the field, when they contradict each other (no unk_token in the
// vocabulary, two tokens with one text).
Result<std::unique_ptr<const Pipeline>> make_bert_pipeline(const std::vector<std::string>& vocabulary,
                                                           const WordPieceSettings& settings,
                                                           std::optional<BertNormalizer> normalizer);

}  // namespace stillvec::text
