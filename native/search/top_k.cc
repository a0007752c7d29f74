#include "search/top_k.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/buffer.h"
#include "runtime/thread_pool.h"
#include "search/blocked_scores.h"

namespace stillvec::search {
namespace {

// Queries that are laid out together. More would pay less and less for laying out the corpus again.
constexpr std::size_t kMostQueries = 8192;
// The most that the hits of all threads take, unless those of one query take more.
constexpr std::size_t kHitBytes = 256u << 20;
// Columns of the first block that a query looks at before it asks what is to be reached.
constexpr std::size_t kFirstLook = 64;
// Queries whose hits are merged in one piece.
constexpr std::size_t kMerged = 64;

// The best hits that one thread has met, of each query.
class Heaps {
 public:
  void reserve(std::size_t queries, std::size_t k) {
    if (!found_.empty()) return;
    k_ = k;
    hits_.reserve(queries * k);
    found_.resize(queries);
  }

  bool is_full(std::size_t query) const { return found_[query] == k_; }

  // What a hit has to reach.
  float least(std::size_t query, float at_least) const {
    return found_[query] < k_ ? at_least : hits_[query * k_].score;
  }

  void offer(std::size_t query, Hit hit) {
    Hit* heap = hits_.data() + query * k_;  // the worst hit is heap[0]
    std::uint32_t& found = found_[query];
    if (found == k_) {
      if (!better(hit, heap[0])) return;
      std::pop_heap(heap, heap + k_, better);
    } else {
      ++found;
    }
    heap[found - 1] = hit;
    std::push_heap(heap, heap + found, better);
  }

  void append(std::size_t query, std::vector<Hit>& hits) const {
    if (found_.empty()) return;
    const Hit* heap = hits_.data() + query * k_;
    hits.insert(hits.end(), heap, heap + found_[query]);
  }

 private:
  std::size_t k_ = 0;
  Buffer<Hit> hits_;
  std::vector<std::uint32_t> found_;
};

// Offers what a query finds in a block.
void look(const TopKRequest& request, const BlockedScores& scores, std::size_t query, std::size_t corpus_row,
          BlockedScores::Scratch& scratch, Heaps& heaps) {
  std::size_t columns = scratch.block.size();
  if (request.earlier) columns = std::min(columns, corpus_row - std::min(corpus_row, scratch.block.begin));
  // While little has been seen, what has to be reached rises quickly: it is asked again before as much is seen again.
  const bool is_first = !heaps.is_full(query);
  for (std::size_t begin = 0, end = 0; begin < columns; begin = end) {
    end = is_first ? std::min(columns, std::max(kFirstLook, 2 * begin)) : columns;
    const std::size_t count = scores.pick(query, heaps.least(query, request.at_least), {begin, end}, scratch);
    for (std::size_t i = 0; i < count; i += kPairTile) {
      const std::size_t together = std::min(kPairTile, count - i);
      float exact[kPairTile];
      scores.exact(query, scratch.picked.data() + i, together, scratch, exact);
      for (std::size_t c = 0; c < together; ++c) {
        const float score = std::isnan(exact[c]) ? -std::numeric_limits<float>::infinity() : exact[c];
        if (score < request.at_least) continue;
        heaps.offer(query, {score, static_cast<std::uint32_t>(scratch.block.begin + scratch.picked[i + c])});
      }
    }
  }
}

// The best of what all threads have found.
void merge(const std::vector<Heaps>& heaps, RowRange queries, std::size_t row, Hits& hits) {
  std::vector<Hit> candidates;
  for (std::size_t query = queries.begin; query < queries.end; ++query) {
    candidates.clear();
    for (const Heaps& own : heaps) own.append(query, candidates);
    keep_best(candidates, row + query, hits);
  }
}

}  // namespace

Hits top_k(const TopKRequest& request, const Rows& queries, RowRange range, const Rows& corpus, ThreadPool& pool,
           const ShallStop& shall_stop) {
  Hits hits(range.size(), std::min(request.k, corpus.rows));
  if (hits.k == 0) return hits;
  const std::size_t fitting = kHitBytes / (pool.size() * hits.k * sizeof(Hit));
  const std::size_t most = std::clamp<std::size_t>(fitting, 1, kMostQueries);
  for (std::size_t begin = range.begin; begin < range.end; begin += most) {
    const RowRange part = {begin, std::min(begin + most, range.end)};
    const BlockedScores scores(request.similarity, queries, part, corpus, pool);
    std::vector<Heaps> heaps(pool.size());
    const auto visit = [&](std::size_t query, BlockedScores::Scratch& scratch, unsigned slot) {
      heaps[slot].reserve(part.size(), hits.k);
      look(request, scores, query, part.begin + query, scratch, heaps[slot]);
    };
    BlockedScores::Wanted wanted;
    if (request.earlier) {
      wanted = [&](RowRange rows, RowRange block) { return block.begin + 1 < part.begin + rows.end; };
    }
    scores.scan(pool, shall_stop, visit, wanted);
    if (shall_stop && shall_stop()) return hits;
    pool.parallel_for(kernels::blocks_for(part.size(), kMerged), [&](std::size_t piece, unsigned) {
      merge(heaps, {piece * kMerged, std::min((piece + 1) * kMerged, part.size())}, part.begin - range.begin, hits);
    });
  }
  return hits;
}

}  // namespace stillvec::search
