#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "search/similarity.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

// The nearest corpus rows of each query, best first; where scores are equal, the lower index first.
struct Hits {
  std::size_t k = 0;                   // hits a query
  std::vector<std::uint32_t> indices;  // queries x k
  std::vector<float> scores;           // queries x k
};

// Exact search: every query against every corpus row, in pieces that any threads may run in any order. The hits do not
// depend on the pieces. A score that is NaN counts as -infinity.
class TopKSearch {
 public:
  // Both matrices must outlive the search, have the same dim, and the corpus fewer than 2^32 rows. More than all of
  // the corpus cannot be found: k becomes at most corpus.rows.
  TopKSearch(Similarity similarity, const Matrix& queries, const Matrix& corpus, std::size_t k);

  std::size_t pieces() const { return query_tiles_ * shards_; }
  void run(std::size_t piece);

  // After every piece has run.
  Hits hits() const;

 private:
  struct Hit {
    float score;
    std::uint32_t index;
  };
  static bool better(const Hit& a, const Hit& b);

  Similarity similarity_;
  Matrix queries_;
  Matrix corpus_;
  std::size_t k_;
  std::size_t query_tiles_;
  std::size_t shards_;  // parts of the corpus, for when there are few queries
  std::size_t rows_per_shard_;
  std::vector<Hit> best_;             // queries x shards x k, each k best first
  std::vector<std::uint32_t> found_;  // queries x shards: how many of the k
};

Hits top_k(Similarity similarity, const Matrix& queries, const Matrix& corpus, std::size_t k, ThreadPool& pool);

}  // namespace stillvec::search
