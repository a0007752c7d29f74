#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "training/source.h"

namespace stillvec::training {

// The texts of a source that stand in several rows, whatever their columns. Rows that have the same ones are of one
// class: where one of them may not stand in a batch, none may.
struct SharedTexts {
  static constexpr std::uint32_t kNoClass = UINT32_MAX;

  std::uint32_t count = 0;                // of the texts, which are numbered from 0
  std::vector<std::uint32_t> class_of;    // row -> class; kNoClass for a row that shares no text
  std::vector<std::uint32_t> class_ends;  // class -> where its texts end in `texts`
  std::vector<std::uint32_t> texts;

  std::span<const std::uint32_t> of_class(std::uint32_t k) const {
    const std::uint32_t begin = k == 0 ? 0 : class_ends[k - 1];
    return {texts.data() + begin, texts.data() + class_ends[k]};
  }
  std::span<const std::uint32_t> of_row(std::size_t row) const {
    if (class_of[row] == kNoClass) return {};
    return of_class(class_of[row]);
  }
};

// Reads source.text_hashes.
SharedTexts find_shared_texts(const Source& source);

}  // namespace stillvec::training
