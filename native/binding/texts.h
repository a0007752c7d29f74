#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/encoder.h"

namespace stillvec::binding {

// Texts copied out of JavaScript into one UTF-8 buffer, a NUL after each.
class TextArena {
 public:
  // Reads arguments [index, index + 2]: the texts joined by NUL, how many they are, and the array that they came from,
  // which is read one by one when a text holds a NUL itself. One call over the border for all texts costs a sixth of
  // one call a text. Lone surrogates become U+FFFD.
  static TextArena read(const Napi::CallbackInfo& info, std::size_t index);

  model::Texts view() const { return {bytes_.get(), offsets_, 1}; }
  std::size_t count() const { return offsets_.size() - 1; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::vector<std::uint64_t> offsets_ = {0};
};

}  // namespace stillvec::binding
