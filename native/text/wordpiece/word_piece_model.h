#pragma once

#include <string>
#include <vector>

#include "runtime/status.h"
#include "text/word_model.h"
#include "text/wordpiece/wordpiece.h"

namespace stillvec::text {

// WordPiece behind any normalizers and pre-tokenizers. As make_bert_pipeline(), which is faster where it will do.
Result<WordModelPtr> make_word_piece(const std::vector<std::string>& vocabulary, const WordPieceSettings& settings);

}  // namespace stillvec::text
