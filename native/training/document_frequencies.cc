#include "training/document_frequencies.h"

#include <algorithm>
#include <atomic>
#include <functional>

#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

struct Chunk {
  const TokenColumn* column;
  std::size_t begin, end;
};

std::vector<Chunk> chunks_of(std::span<const std::shared_ptr<const TokenColumn>> columns) {
  constexpr std::size_t kTextsPerChunk = 2048;
  std::vector<Chunk> chunks;
  for (const auto& column : columns) {
    for (std::size_t begin = 0; begin < column->count(); begin += kTextsPerChunk) {
      chunks.push_back({column.get(), begin, std::min(begin + kTextsPerChunk, column->count())});
    }
  }
  return chunks;
}

// What one thread counts.
class Counter {
 public:
  explicit Counter(std::size_t tokens) : counts_(tokens), last_text_(tokens) {}

  // False for an id that has no count.
  bool add(std::span<const std::uint32_t> text) {
    ++text_;
    for (const std::uint32_t id : text) {
      if (id >= counts_.size()) return false;
      counts_[id] += last_text_[id] != text_;
      last_text_[id] = text_;
    }
    return true;
  }

  std::span<const std::uint64_t> counts() const { return counts_; }

 private:
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint64_t> last_text_;  // that the token was seen in; 0: none
  std::uint64_t text_ = 0;
};

}  // namespace

Result<std::vector<std::uint64_t>> document_frequencies(ThreadPool& pool,
                                                        std::span<const std::shared_ptr<const TokenColumn>> columns,
                                                        std::size_t tokens, const ShallStop& shall_stop) {
  const std::vector<Chunk> chunks = chunks_of(columns);
  std::vector<std::unique_ptr<Counter>> counters(pool.size());
  std::atomic<bool> is_corrupt = false;
  std::atomic<bool> is_stopped = false;
  pool.parallel_for(chunks.size(), [&](std::size_t i, unsigned slot) {
    if (is_stopped || is_corrupt) return;
    if (shall_stop && shall_stop()) {
      is_stopped = true;
      return;
    }
    if (counters[slot] == nullptr) counters[slot] = std::make_unique<Counter>(tokens);
    const auto& [column, begin, end] = chunks[i];
    for (std::size_t text = begin; text < end; ++text) {
      const std::size_t first = column->offsets[text];
      if (!counters[slot]->add({column->ids.data() + first, column->offsets[text + 1] - first})) is_corrupt = true;
    }
  });
  if (is_stopped) return Status{Code::kAborted, "the count of tokens was stopped"};
  if (is_corrupt) return Status{Code::kCorrupt, "an id has no row in the table"};
  std::vector<std::uint64_t> sums(tokens);
  for (const auto& counter : counters) {
    if (counter != nullptr) std::ranges::transform(sums, counter->counts(), sums.begin(), std::plus());
  }
  return sums;
}

}  // namespace stillvec::training
