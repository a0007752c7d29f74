#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/embedding_table.h"
#include "model/pooling.h"
#include "text/tokenizer.h"

namespace stillvec::model {

enum class Output { kF32, kBinary, kUbinary };

// What happens to a pooled row, in this order.
struct RowOptions {
  bool normalize_full = false;  // a Normalize module: L2 over all columns, before truncation
  std::size_t columns = 0;      // keep the first `columns` (0: all)
  bool normalize = false;       // L2 over the kept columns
  Output output = Output::kF32;
};

// Bytes that one output row takes: columns floats, or one bit a column, rounded up to bytes.
std::size_t row_bytes(const RowOptions& options, std::size_t dim);

// Texts as one UTF-8 buffer: text i is bytes [offsets[i], offsets[i + 1] - gap).
struct Texts {
  const char* bytes = nullptr;
  std::span<const std::uint64_t> offsets;  // count + 1
  std::uint64_t gap = 0;                   // bytes after each text that are not part of it (a separator)

  std::size_t count() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::string_view operator[](std::size_t i) const {
    return {bytes + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i] - gap)};
  }
};

// Text -> vector: tokenizes, sums the rows of its distinct tokens as the pooling weighs them, and finishes the row in
// its place in the result. Immutable; any number of threads may encode at once.
class Encoder {
 public:
  // `tokenizer` may be null where ids come from elsewhere (pool_ids only).
  Encoder(std::shared_ptr<const text::Tokenizer> tokenizer, std::shared_ptr<const EmbeddingTable> table,
          Pooling pooling = {});

  const EmbeddingTable& table() const { return *table_; }
  const text::Tokenizer* tokenizer() const { return tokenizer_.get(); }

  // Encodes texts [begin, end), each with `prompt` before it, into rows of `out`: text i goes to
  // out + i * row_bytes(options, dim). A text of no tokens that count gives a zero row. Returns the number of tokens.
  // Every id must be below table().rows(): the model's loader has checked the tokenizer against the table.
  std::size_t encode(const Texts& texts, std::size_t begin, std::size_t end, std::string_view prompt,
                     const RowOptions& options, std::byte* out) const;

  // The same from ids: text i has ids [offsets[i], offsets[i + 1]). kOutOfRange, naming text and id, for an id that
  // has no row.
  Status pool_ids(std::span<const std::uint32_t> ids, std::span<const std::uint64_t> offsets, std::size_t begin,
                  std::size_t end, const RowOptions& options, std::byte* out) const;

  // Ids of texts [begin, end) appended to `ids`, and to `lengths` how many each text has.
  void tokenize(const Texts& texts, std::size_t begin, std::size_t end, std::string_view prompt,
                std::vector<std::uint32_t>& ids, std::vector<std::uint32_t>& lengths) const;

 private:
  struct Scratch;      // per thread: the tokenizer's scratch, ids, one row
  class ScratchLease;  // borrows one from free_, makes one when there is none

  // Pools texts [begin, end), of which `ids_of` gives the ids, each until it is asked for the next.
  template <typename IdsOf>
  void pool_texts(Scratch& scratch, std::size_t begin, std::size_t end, const RowOptions& options, std::byte* out,
                  IdsOf&& ids_of) const;

  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::shared_ptr<const EmbeddingTable> table_;
  const Pooling pooling_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Scratch> free_;  // a list

 public:
  ~Encoder();
};

}  // namespace stillvec::model
