#pragma once

#include <string>
#include <vector>

#include "runtime/status.h"
#include "text/word_model.h"

namespace stillvec::text {

// WordLevel: a piece is a token as a whole, or the unknown one. kInvalidArgument where that is not in the vocabulary.
Result<WordModelPtr> make_word_level(const std::vector<std::string>& vocabulary, const std::string& unk_token);

}  // namespace stillvec::text
