#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// Where the ASCII spaces and punctuation of a text are, as bits, and the text in lower case.
struct AsciiKernels {
  // for i in [0, size), with bit i of an array of words at word i / 64, bit i % 64:
  //   bit i of `spaces`  = text[i] in { '\t', '\n', '\r', ' ' }
  //   bit i of `letters` = text[i] is neither a space nor ASCII punctuation: letters, digits, other controls, and every
  //                        byte from 0x80
  //   folded[i]          = fold and text[i] in 'A'...'Z' ? text[i] + 32 : text[i]
  //
  // Writes whole blocks of kAsciiBlock: the bits from `size` on are 1 in `spaces` and 0 in `letters`, the bytes are
  // unspecified. Reads nothing beyond text[size - 1].
  void (*classify)(const std::uint8_t* text, std::size_t size, bool fold, std::uint8_t* folded, std::uint64_t* spaces,
                   std::uint64_t* letters);
};

inline constexpr std::size_t kAsciiBlock = 64;

// The kernels of `isa`, or of the best one below it that has its own. The caller checks isa_supported(isa).
const AsciiKernels& ascii_kernels(Isa isa);
const AsciiKernels& ascii_kernels();  // those of cpu().active

namespace scalar {
extern const AsciiKernels kAscii;
}
namespace avx2 {
extern const AsciiKernels kAscii;
}
namespace avx512 {
extern const AsciiKernels kAscii;
}
namespace neon {
extern const AsciiKernels kAscii;
}

}  // namespace stillvec::kernels
