#pragma once

#include <cstdint>
#include <vector>

#include "runtime/status.h"
#include "text/steps/normalizer.h"

namespace stillvec::text {

// Precompiled: SentencePiece's map of characters, the bytes of `precompiled_charsmap`: the size of a double array in
// bytes, the array (Aoe 1989; little-endian units of 32 bits: 0-7 and 31 the label, 8 a leaf, 9-30 the offset to the
// children), and NUL-terminated strings, to whose beginnings the leaves point.
// kInvalidArgument where the array is not whole.
Result<NormalizerPtr> precompiled(const std::vector<std::uint8_t>& charsmap);

}  // namespace stillvec::text
