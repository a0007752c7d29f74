#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stillvec::text {

// The normalizer, pre-tokenizer and model of a tokenizer.json: what gives the ids of a stretch of text that has no
// added token in it. Immutable: any number of threads may encode at once, each with a Scratch of its own.
//
//   encode(text) = encode_normalized(normalize(text))
class Pipeline {
 public:
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };
  using ScratchPtr = std::unique_ptr<Scratch>;

  virtual ~Pipeline() = default;

  virtual ScratchPtr make_scratch() const = 0;

  // Appends the ids of `text`; `opens_text`: no text and no token stands before it. Stops, at some point, once it has
  // appended `enough`. A Scratch serves either this or
  // encode_normalized(), not now one and then the other: what it remembers of a word holds for one of them.
  virtual void encode(std::string_view text, bool opens_text, Scratch& scratch, std::vector<std::uint32_t>& ids,
                      std::size_t enough) const = 0;
  virtual void encode_normalized(std::string_view text, bool opens_text, Scratch& scratch,
                                 std::vector<std::uint32_t>& ids, std::size_t enough) const = 0;

  // Whether the beginning of the normalized `text` comes from the beginning of `text`. Where it does not, as where
  // spaces are stripped, encode_normalized() is not told that it opens the text, even if it does.
  virtual bool keeps_beginning(std::string_view, Scratch&) const { return true; }

  // Replaces `out` by what the normalizer makes of `text`.
  virtual void normalize(std::string_view text, Scratch& scratch, std::string& out) const = 0;

  // Of the model's vocabulary: the id of a token, one more than the greatest id, and the tokens, which are fewer where
  // ids have holes.
  virtual std::optional<std::uint32_t> id_of(std::string_view token) const = 0;
  virtual std::size_t vocab_size() const = 0;
  virtual std::size_t token_count() const = 0;
};

}  // namespace stillvec::text
