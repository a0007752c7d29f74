#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace stillvec::text {

// The model of a tokenizer.json: the ids of one piece that the pre-tokenizers made, which depend on nothing else.
// Immutable: any number of threads may tokenize at once, each with a Scratch of its own.
class WordModel {
 public:
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };
  using ScratchPtr = std::unique_ptr<Scratch>;

  virtual ~WordModel() = default;

  virtual ScratchPtr make_scratch() const { return std::make_unique<Scratch>(); }

  // Appends the ids of a piece of at least one character, well-formed UTF-8.
  virtual void tokenize(std::string_view piece, Scratch& scratch, std::vector<std::uint32_t>& ids) const = 0;

  // As in Pipeline.
  virtual std::optional<std::uint32_t> id_of(std::string_view token) const = 0;
  virtual std::size_t vocab_size() const = 0;
  virtual std::size_t token_count() const = 0;
};

using WordModelPtr = std::unique_ptr<const WordModel>;

}  // namespace stillvec::text
