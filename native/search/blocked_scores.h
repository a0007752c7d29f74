#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/products/products.h"
#include "runtime/buffer.h"
#include "runtime/shall_stop.h"
#include "search/rows.h"
#include "search/similarity.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

// The scores of some queries against a corpus, block by block of it, so that no queries x corpus matrix exists.
//
// Many queries are scored by matrix products, in bf16 where that is faster. Such values are near the scores and not the
// scores, but they come with a bound: what they leave in doubt is scored again, exactly. So results are those of
// similarity_matrix() to the last bit, however they were found.
class BlockedScores {
 public:
  // What one thread works with.
  struct Scratch {
    RowRange block;                // of the corpus
    const float* rows = nullptr;   // the block's
    float most_norm = 0.0f;        // of the rows as they are multiplied
    Buffer<float> converted;       // rows that are not stored as f32
    Buffer<float> scaled;          // a panel of unit rows
    Buffer<float> factors;         // 1 / norm
    Buffer<float> half_squares;    // -norm^2 / 2
    Buffer<std::uint32_t> packed;  // the block as right operand
    Buffer<float> values;          // a tile of queries x the block
    std::vector<std::uint32_t> picked;
  };

  // What a score is among the values: no value below `floor` belongs to a pair that reaches it, and every value above
  // `ceiling` belongs to one that does.
  struct Bounds {
    float floor, ceiling;
  };

  // Both must outlive this, have the same dim, and the corpus fewer than 2^32 rows. Lays out the queries of `range`.
  BlockedScores(Similarity similarity, const Rows& queries, RowRange range, const Rows& corpus, ThreadPool& pool,
                const kernels::ProductKernels& products = kernels::bf16_products());

  // Scores every query with every block, shared out over the pool, and shows what comes of it: visit(query, scratch,
  // slot) may ask for the values of that query with scratch.block. Queries count from 0. A slot is used by one thread
  // at a time, and meets the blocks in ascending order. `wanted` says which queries (from 0 on) have to meet which
  // block.
  using Visit = std::function<void(std::size_t query, Scratch& scratch, unsigned slot)>;
  using Wanted = std::function<bool(RowRange queries, RowRange block)>;
  void scan(ThreadPool& pool, const ShallStop& shall_stop, const Visit& visit, const Wanted& wanted = {}) const;

  // What stands for the scores of a query with the block's rows.
  const float* values(std::size_t query, const Scratch& scratch) const;

  Bounds bounds(std::size_t query, float score, const Scratch& scratch) const;

  // Of some columns of the block (from 0 on) those whose score with `query` may reach `score`: scratch.picked[0,
  // count).
  std::size_t pick(std::size_t query, float score, RowRange columns, Scratch& scratch) const;

  // The scores of at most kPairTile of the block's columns.
  void exact(std::size_t query, const std::uint32_t* columns, std::size_t count, const Scratch& scratch,
             float out[kPairTile]) const;

 private:
  RowRange tile(std::size_t index) const;
  void load(RowRange block, Scratch& scratch) const;
  void score(RowRange tile, Scratch& scratch) const;
  void pack_queries(ThreadPool& pool);
  void pack_block(Scratch& scratch) const;
  const float* query(std::size_t index) const { return queries_.row(index); }

  Similarity similarity_;
  const kernels::ProductKernels& products_;
  Rows corpus_;
  Rows stored_;     // the queries
  bool as_stored_;  // both are scored as they are stored, and never converted
  Matrix queries_;  // as f32
  std::size_t query_count_;
  std::size_t dim_;
  std::size_t k_blocks_;
  bool is_exact_;         // the values are the scores
  float relative_error_;  // of a product, beside the norms of its rows
  std::size_t block_rows_;
  std::size_t value_stride_;
  Buffer<float> converted_;
  Buffer<float> factors_;  // 1 / norm
  Buffer<float> norms_;    // of the queries as they are multiplied
  Buffer<std::uint32_t> packed_;
};

}  // namespace stillvec::search
