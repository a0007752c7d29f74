#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/encoder.h"

namespace stillvec::binding {

// Texts copied out of JavaScript into one UTF-8 buffer.
class TextArena {
 public:
  // Reads arguments [index, index + 2], which are either
  //   an array of strings that are the texts joined by NUL, how many texts they are, and the array that they came
  //   from, which is read one by one when a text holds a NUL itself (a call over the border for many texts costs a
  //   fraction of one call a text; lone surrogates become U+FFFD), or
  //   UTF-8 bytes, the number of texts, and their offsets (Int32Array or BigInt64Array, one more than the texts).
  static TextArena read(const Napi::CallbackInfo& info, std::size_t index);

  model::Texts view() const { return {bytes_.get(), offsets_, gap_}; }
  std::size_t count() const { return offsets_.size() - 1; }

 private:
  static TextArena read_strings(const Napi::CallbackInfo& info, std::size_t index, std::size_t count);
  static TextArena read_utf8(const Napi::CallbackInfo& info, std::size_t index, std::size_t count);

  std::vector<std::uint64_t> append_strings(const Napi::Array& strings);
  std::size_t room_for(std::size_t size, std::size_t bound, std::size_t rest) const;
  void grow(std::size_t capacity);

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::vector<std::uint64_t> offsets_ = {0};
  std::uint64_t gap_ = 0;
};

}  // namespace stillvec::binding
