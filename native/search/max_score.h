#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/buffer.h"
#include "search/hits.h"

namespace stillvec::search {

// What each word adds to the scores of its documents. The postings of a word are contiguous, their documents ascending.
struct Impacts {
  std::size_t documents = 0;                // how many there are, those of no posting included
  const std::uint32_t* document = nullptr;  // of each posting
  const float* impact = nullptr;            // of each posting: above 0, or 0 for no share
};

struct QueryWord {
  std::uint64_t begin, end;  // its postings
  float weight;              // how often the query has it
  float most;                // the greatest impact among them
};

// The best documents of a query, of which most postings are not read: once k documents have been found, the words that
// can add little are set aside, and only documents that the other words bring near the k-th best are looked up in
// them. This is MaxScore (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995), one block of
// documents at a time. A search of one thread; its memory serves the next one.
class MaxScore {
 public:
  MaxScore();

  // The k best of those whose score is above 0, in any order. The score of a document is
  //   sum over the words, in their order, of weight * impact, in f32.
  // Valid until the next search.
  std::vector<Hit>& search(const Impacts& impacts, std::span<const QueryWord> words, std::size_t k);

 private:
  struct Cursor {
    std::uint64_t at;    // the next posting that may be asked for
    std::uint64_t next;  // the first behind the block
    std::uint64_t end;
    float weight;
    double most;  // that it adds to a score
    bool is_aside;
  };

  void set_words_aside();
  std::size_t add_block(std::size_t begin, std::size_t end);
  void offer_touched(std::size_t begin);
  void offer_block(std::size_t begin, std::size_t end);
  void offer(std::uint32_t document, float sum);
  float score_of(std::uint32_t document);
  float floor() const;

  Impacts impacts_;
  std::size_t k_ = 0;
  std::vector<Cursor> cursors_;       // in the order of the query
  std::vector<std::size_t> by_most_;  // the cursors' places, those that add least first
  std::size_t aside_ = 0;             // how many of these are set aside
  double rest_ = 0;                   // the most that they add together
  Buffer<float> sums_;                // of the block's documents; zeros, between blocks
  std::vector<std::uint32_t> picked_;
  std::vector<Hit> touched_;
  std::vector<Hit> best_;  // a heap, the worst on top
};

}  // namespace stillvec::search
