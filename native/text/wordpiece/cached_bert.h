#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/ascii/ascii.h"
#include "text/word_cache.h"
#include "text/wordpiece/exact_bert.h"

namespace stillvec::text {

// The same ids as ExactBert's, fast. A text is cut at ASCII spaces and punctuation, which no normalizer setting can
// join to their neighbours; the ids of what lies between depend on its bytes alone, so most are found in a WordCache.
class CachedBert {
 public:
  static constexpr std::size_t kChunk = 4096;  // bytes that are classified at a time

  // One thread's. A cache must only ever serve one encoder.
  class Scratch {
   private:
    friend class CachedBert;
    static constexpr std::size_t kBufferedIds = 1024;

    WordCache cache_;
    std::u32string normalized_;
    std::vector<std::uint32_t> missed_;  // ids of a unit that was not in the cache
    std::uint8_t folded_[kChunk + kernels::kAsciiBlock] = {};
    std::uint64_t spaces_[kChunk / 64 + 1] = {};
    std::uint64_t letters_[kChunk / 64 + 1] = {};
    std::uint16_t starts_[kChunk] = {};
    std::uint32_t ids_[kBufferedIds] = {};
  };

  explicit CachedBert(const ExactBert& exact, const kernels::AsciiKernels& kernels = kernels::ascii_kernels());

  // Appends the ids of `text`. Added tokens are not looked for. Stops, at some point, once it has appended `enough`.
  void encode(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& ids,
              std::size_t enough = SIZE_MAX) const;

 private:
  class Output;

  std::size_t encode_chunk(const std::uint8_t* text, std::size_t size, bool last, Scratch& scratch, Output& out) const;
  void encode_units(std::span<const std::uint16_t> starts, std::size_t size, Scratch& scratch, Output& out) const;
  void encode_unit(const std::uint8_t* unit, std::size_t size, Scratch& scratch, Output& out) const;
  void encode_segment(std::span<const std::uint8_t> segment, bool cached, Scratch& scratch,
                      std::vector<std::uint32_t>& ids) const;

  const ExactBert& exact_;
  const kernels::AsciiKernels& kernels_;
  bool fold_;
  std::uint8_t dropped_;     // properties of code points that vanish before words are cut
  std::uint8_t separators_;  // properties of the others at which a word ends
};

}  // namespace stillvec::text
