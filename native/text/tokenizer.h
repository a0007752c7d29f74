#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace stillvec::text {

// Text -> token ids. Immutable: any number of threads may encode at once, each with a Scratch of its own.
class Tokenizer {
 public:
  // Buffers and the bounded caches of one thread. Contents never change the ids. A Scratch is of use to the tokenizer
  // that made it.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };
  using ScratchPtr = std::unique_ptr<Scratch>;

  virtual ~Tokenizer() = default;

  virtual ScratchPtr make_scratch() const = 0;

  // Appends the ids of `text` to `ids`. Any bytes are accepted: ill-formed UTF-8 reads as U+FFFD.
  virtual void encode(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& ids) const = 0;

  // One more than the greatest id, added tokens included.
  virtual std::size_t vocab_size() const = 0;
};

}  // namespace stillvec::text
