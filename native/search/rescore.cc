#include "search/rescore.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/buffer.h"
#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

// Queries that are worth a claim of a thread.
constexpr std::size_t kPiece = 16;

// What one thread works with.
class Rescorer {
 public:
  Rescorer(Similarity similarity, const Rows& queries, const Rows& corpus)
      : similarity_(similarity), queries_(queries), corpus_(corpus), dim_(corpus.dim) {}

  void rescore(std::size_t query, std::span<const std::uint32_t> candidates, Hits& hits) {
    query_.reserve(dim_);
    rows_.reserve(kPairTile * dim_);
    found_.clear();
    const float* left = as_floats(queries_, query, query_.data());
    const float* const lefts[kPairTile] = {left, left, left, left};
    const float factor = inverse_norm(left, dim_);
    const float left_factors[kPairTile] = {factor, factor, factor, factor};
    for (std::size_t begin = 0; begin < candidates.size(); begin += kPairTile) {
      const std::size_t count = std::min(kPairTile, candidates.size() - begin);
      const float* rights[kPairTile];
      float right_factors[kPairTile], scores[kPairTile * kPairTile];
      for (std::size_t i = 0; i < kPairTile; ++i) {
        rights[i] = i < count ? as_floats(corpus_, candidates[begin + i], rows_.data() + i * dim_) : rights[0];
        right_factors[i] = inverse_norm(rights[i], dim_);
      }
      similarity_tile(similarity_, lefts, left_factors, rights, right_factors, dim_, scores);
      for (std::size_t i = 0; i < count; ++i) {
        const float score = std::isnan(scores[i]) ? -std::numeric_limits<float>::infinity() : scores[i];
        found_.push_back({score, candidates[begin + i]});
      }
    }
    keep_best(found_, query, hits);
  }

 private:
  const float* as_floats(const Rows& rows, std::size_t row, float* space) const {
    if (rows.are_floats()) return static_cast<const float*>(rows.row(row));
    load_rows(rows, {row, row + 1}, space);
    return space;
  }

  Similarity similarity_;
  const Rows& queries_;
  const Rows& corpus_;
  std::size_t dim_;
  Buffer<float> query_, rows_;
  std::vector<Hit> found_;
};

}  // namespace

Hits rescore(Similarity similarity, const Rows& queries, const Rows& corpus, std::span<const std::uint32_t> candidates,
             std::size_t k, ThreadPool& pool, const ShallStop& shall_stop) {
  const std::size_t each = queries.rows == 0 ? 0 : candidates.size() / queries.rows;
  Hits hits(queries.rows, std::min(k, each));
  pool.parallel_for((queries.rows + kPiece - 1) / kPiece, [&](std::size_t piece, unsigned) {
    if (shall_stop && shall_stop()) return;
    Rescorer rescorer(similarity, queries, corpus);
    for (std::size_t q = piece * kPiece; q < std::min((piece + 1) * kPiece, queries.rows); ++q) {
      rescorer.rescore(q, candidates.subspan(q * each, each), hits);
    }
  });
  return hits;
}

}  // namespace stillvec::search
