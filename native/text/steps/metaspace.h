#pragma once

#include <cstdint>
#include <string>

#include "text/steps/pre_tokenizer.h"

namespace stillvec::text {

enum class PrependScheme : std::uint8_t { kAlways, kFirst, kNever };

// Metaspace: spaces become `replacement`, one of which is put before a piece that begins with none (kFirst: before that
// which opens the text); `splits`: the text is split before each.
PreTokenizerPtr metaspace(std::string replacement, PrependScheme scheme, bool splits);

}  // namespace stillvec::text
