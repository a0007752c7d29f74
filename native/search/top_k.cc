#include "search/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

// Queries that pass over the corpus together: each corpus row that comes from memory meets this many.
constexpr std::size_t kQueryTile = 64;
// Corpus rows that are scored before the heaps look at them: 64 x 128 scores are 32 KiB.
constexpr std::size_t kCorpusTile = 128;
// Pieces to aim for, and the fewest rows that make a shard worth its own heaps.
constexpr std::size_t kPieces = 32;
constexpr std::size_t kLeastShard = 1024;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

}  // namespace

bool TopKSearch::better(const Hit& a, const Hit& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

TopKSearch::TopKSearch(Similarity similarity, const Matrix& queries, const Matrix& corpus, std::size_t k)
    : similarity_(similarity),
      queries_(queries),
      corpus_(corpus),
      k_(std::min(k, corpus.rows)),
      query_tiles_(divide_up(queries.rows, kQueryTile)) {
  const std::size_t wanted = divide_up(kPieces, std::max<std::size_t>(query_tiles_, 1));
  shards_ = std::clamp<std::size_t>(corpus.rows / kLeastShard, 1, wanted);
  rows_per_shard_ = divide_up(corpus.rows, shards_);
  best_.resize(queries.rows * shards_ * k_);
  found_.resize(queries.rows * shards_);
}

void TopKSearch::run(std::size_t piece) {
  const std::size_t tile = piece / shards_, shard = piece % shards_;
  const RowRange queries = {tile * kQueryTile, std::min((tile + 1) * kQueryTile, queries_.rows)};
  const std::size_t corpus_end = std::min((shard + 1) * rows_per_shard_, corpus_.rows);
  if (k_ == 0) return;
  std::vector<float> scores(queries.size() * kCorpusTile);
  for (std::size_t first = shard * rows_per_shard_; first < corpus_end; first += kCorpusTile) {
    const RowRange rows = {first, std::min(first + kCorpusTile, corpus_end)};
    similarity_block(similarity_, queries_, queries, corpus_, rows, scores.data(), kCorpusTile);
    for (std::size_t q = queries.begin; q < queries.end; ++q) {
      const float* row = scores.data() + (q - queries.begin) * kCorpusTile;
      Hit* heap = best_.data() + (q * shards_ + shard) * k_;  // the worst hit is heap[0]
      std::uint32_t& found = found_[q * shards_ + shard];
      for (std::size_t j = 0; j < rows.size(); ++j) {
        // Rows come by ascending index, so of equal scores the one that is there stays.
        if (found == k_ && !(row[j] > heap[0].score)) continue;
        if (found == k_) {
          std::pop_heap(heap, heap + k_, better);
        } else {
          ++found;
        }
        const float score = std::isnan(row[j]) ? -std::numeric_limits<float>::infinity() : row[j];
        heap[found - 1] = {score, static_cast<std::uint32_t>(rows.begin + j)};
        std::push_heap(heap, heap + found, better);
      }
    }
  }
  for (std::size_t q = queries.begin; q < queries.end; ++q) {
    Hit* heap = best_.data() + (q * shards_ + shard) * k_;
    std::sort_heap(heap, heap + found_[q * shards_ + shard], better);
  }
}

Hits TopKSearch::hits() const {
  Hits hits;
  hits.k = k_;
  hits.indices.reserve(queries_.rows * k_);
  hits.scores.reserve(queries_.rows * k_);
  std::vector<Hit> candidates;
  for (std::size_t q = 0; q < queries_.rows; ++q) {
    candidates.clear();
    for (std::size_t s = q * shards_; s < (q + 1) * shards_; ++s) {
      candidates.insert(candidates.end(), best_.begin() + static_cast<std::ptrdiff_t>(s * k_),
                        best_.begin() + static_cast<std::ptrdiff_t>(s * k_ + found_[s]));
    }
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(k_), candidates.end(),
                      better);
    for (std::size_t i = 0; i < k_; ++i) {
      hits.indices.push_back(candidates[i].index);
      hits.scores.push_back(candidates[i].score);
    }
  }
  return hits;
}

Hits top_k(Similarity similarity, const Matrix& queries, const Matrix& corpus, std::size_t k, ThreadPool& pool) {
  TopKSearch search(similarity, queries, corpus, k);
  pool.parallel_for(search.pieces(), [&](std::size_t piece, unsigned) { search.run(piece); });
  return search.hits();
}

}  // namespace stillvec::search
