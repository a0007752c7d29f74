#include "kernels/ascii/ascii.h"

namespace stillvec::kernels::scalar {
namespace {

bool is_space(std::uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

bool is_punctuation(std::uint8_t byte) {
  return (byte >= '!' && byte <= '/') || (byte >= ':' && byte <= '@') || (byte >= '[' && byte <= '`') ||
         (byte >= '{' && byte <= '~');
}

void classify(const std::uint8_t* text, std::size_t size, bool fold, std::uint8_t* folded, std::uint64_t* spaces,
              std::uint64_t* letters) {
  for (std::size_t start = 0; start < size; start += kAsciiBlock) {
    std::uint64_t space = 0, letter = 0;
    for (std::size_t i = 0; i < kAsciiBlock; ++i) {
      const std::uint8_t byte = start + i < size ? text[start + i] : ' ';
      space |= std::uint64_t{is_space(byte)} << i;
      letter |= std::uint64_t{!is_space(byte) && !is_punctuation(byte)} << i;
      folded[start + i] = fold && byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
    }
    spaces[start / kAsciiBlock] = space;
    letters[start / kAsciiBlock] = letter;
  }
}

}  // namespace

const AsciiKernels kAscii = {classify};

}  // namespace stillvec::kernels::scalar
