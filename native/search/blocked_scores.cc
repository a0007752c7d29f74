#include "search/blocked_scores.h"

#include <algorithm>
#include <cmath>

#include "kernels/vector/vector.h"
#include "runtime/thread_pool.h"
#include "search/quantized_scores.h"

namespace stillvec::search {

using kernels::blocks_for;
using kernels::kBlockRows;
using kernels::kBlockSize;
using kernels::kBlockUnits;
using kernels::kPanelBlock;
using kernels::kPanelColumns;
using kernels::vector_kernels;

namespace {

// Fewer queries than these do not pay for laying out the corpus.
constexpr std::size_t kFewQueries = 16;
// Queries that meet a block together, a multiple of the 32 rows that the kernels take at once.
constexpr std::size_t kTileRows = 64, kRowsAtOnce = 32;
// A block, laid out, is to stay in L2 beside a tile of queries and the values.
constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr std::size_t kLeastBlock = 64, kMostBlock = 512;
// Added to the stride of the values, which would else put the rows of a tile into one set of L1.
constexpr std::size_t kSkew = 16;
// Multiplications that are worth a claim of a thread, and pieces a thread, so that all end together.
constexpr std::size_t kLeastPiece = 1u << 21, kPiecesPerThread = 8;

// The unit roundoff of f32, and of bf16, whose values have 8 bits.
constexpr double kF32Roundoff = 0x1p-24, kBf16Roundoff = 0x1p-8;

// How far a product may be from the sum in the other order, beside the norms of its rows. By Cauchy and Schwarz
// rounding both rows to bf16 adds no more than 2u + u^2; a sum of n terms, its factors and the bound itself are off by
// no more than n + 8 roundings each.
double error_of_product(std::size_t dim, bool is_bf16) {
  const double rounding = is_bf16 ? 2.0 * kBf16Roundoff + kBf16Roundoff * kBf16Roundoff : 0.0;
  return rounding * (1.0 + 1e-3) + 4.0 * (static_cast<double>(dim) + 16.0) * kF32Roundoff;
}

// bf16 instructions take values below the normal numbers for zero, and give none, and squares of small values vanish:
// this covers what is lost of one term.
constexpr double kLeastTerm = 0x1p-118, kLeastSquare = 0x1p-120;

// No less than the norm, whatever was lost of its square.
float most_norm(double square, std::size_t dim) {
  return static_cast<float>(std::sqrt(square + kLeastSquare * static_cast<double>(dim)));
}

}  // namespace

BlockedScores::BlockedScores(Similarity similarity, const Rows& queries, RowRange range, const Rows& corpus,
                             ThreadPool& pool, const kernels::ProductKernels& products)
    : similarity_(similarity),
      products_(products),
      corpus_(corpus),
      stored_(queries.slice(range)),
      as_stored_(are_scored_as_stored(similarity, queries, corpus)),
      query_count_(range.size()),
      dim_(corpus.dim),
      k_blocks_(blocks_for(dim_, kBlockUnits * products_.unit)),
      is_exact_(as_stored_ || similarity == Similarity::kManhattan || query_count_ < kFewQueries),
      relative_error_(static_cast<float>(error_of_product(dim_, products_.unit > 1))) {
  const std::size_t row_bytes = as_stored_ ? corpus.row_bytes() : k_blocks_ * kBlockUnits * sizeof(std::uint32_t);
  const std::size_t fitting = kBlockBytes / std::max<std::size_t>(row_bytes, 1) / kPanelColumns * kPanelColumns;
  block_rows_ = std::clamp(fitting, kLeastBlock, kMostBlock);
  value_stride_ = block_rows_ + kSkew;
  if (as_stored_) return;
  if (stored_.are_floats()) {
    queries_ = {static_cast<const float*>(stored_.data), query_count_, dim_};
  } else {
    converted_.reserve(query_count_ * dim_);
    load_rows(stored_, {0, query_count_}, converted_.data());
    queries_ = {converted_.data(), query_count_, dim_};
  }
  factors_.reserve(query_count_);
  norms_.reserve(query_count_);
  pack_queries(pool);
}

RowRange BlockedScores::tile(std::size_t index) const {
  return {index * kTileRows, std::min((index + 1) * kTileRows, query_count_)};
}

void BlockedScores::pack_queries(ThreadPool& pool) {
  const std::size_t block_stride = k_blocks_ * kBlockSize;
  if (!is_exact_) packed_.reserve(blocks_for(query_count_, kTileRows) * kTileRows / kBlockRows * block_stride);
  pool.parallel_for(blocks_for(query_count_, kTileRows), [&](std::size_t index, unsigned) {
    const RowRange rows = tile(index);
    for (std::size_t q = rows.begin; q < rows.end; ++q) factors_[q] = inverse_norm(query(q), dim_);
    if (is_exact_) return;
    Buffer<float> scaled(similarity_ == Similarity::kCosine ? kBlockRows * dim_ : 0);
    for (std::size_t q = rows.begin; q < rows.begin + kTileRows; q += kBlockRows) {
      std::uint32_t* packed = packed_.data() + q / kBlockRows * block_stride;
      const std::size_t count = q < rows.end ? std::min(kBlockRows, rows.end - q) : 0;
      if (count < kBlockRows) std::fill_n(packed, block_stride, 0u);
      if (count == 0) continue;
      const float* source = query(q);
      if (similarity_ == Similarity::kCosine) {
        for (std::size_t i = 0; i < count; ++i) {
          vector_kernels().scale(query(q + i), factors_[q + i], dim_, scaled.data() + i * dim_);
        }
        source = scaled.data();
      }
      for (std::size_t i = 0; i < count; ++i) {
        const float* row = source + i * dim_;
        norms_[q + i] = most_norm(vector_kernels().dot(row, row, dim_), dim_);
      }
      kernels::pack_left_rows(products_, source, dim_, count, dim_, packed, block_stride);
    }
  });
}

void BlockedScores::scan(ThreadPool& pool, const ShallStop& shall_stop, const Visit& visit,
                         const Wanted& wanted) const {
  const std::size_t blocks = blocks_for(corpus_.rows, block_rows_), tiles = blocks_for(query_count_, kTileRows);
  if (blocks == 0 || tiles == 0) return;
  const std::size_t work = query_count_ * corpus_.rows * std::max<std::size_t>(dim_, 1);
  const std::size_t most = std::max<std::size_t>(work / kLeastPiece, 1);
  const std::size_t across = std::min(blocks, most);
  // A corpus of few blocks is shared out by queries as well.
  const std::size_t down =
      std::clamp<std::size_t>(std::min(blocks_for(kPiecesPerThread * pool.size(), across), most / across), 1, tiles);
  std::vector<Scratch> scratch(pool.size());
  pool.parallel_for(across * down, [&](std::size_t piece, unsigned slot) {
    const std::size_t i = piece / down, j = piece % down;
    Scratch& own = scratch[slot];
    for (std::size_t block = i * blocks / across; block < (i + 1) * blocks / across; ++block) {
      const RowRange rows = {block * block_rows_, std::min((block + 1) * block_rows_, corpus_.rows)};
      bool is_loaded = false;
      for (std::size_t t = j * tiles / down; t < (j + 1) * tiles / down; ++t) {
        const RowRange queries = tile(t);
        if (wanted && !wanted(queries, rows)) continue;
        if (shall_stop && shall_stop()) return;
        if (!is_loaded) load(rows, own);
        is_loaded = true;
        score(queries, own);
        for (std::size_t query = queries.begin; query < queries.end; ++query) visit(query, own, slot);
      }
    }
  });
}

void BlockedScores::load(RowRange block, Scratch& scratch) const {
  scratch.block = block;
  scratch.values.reserve(kTileRows * value_stride_);
  scratch.picked.resize(block_rows_);
  if (as_stored_) return;
  if (corpus_.are_floats()) {
    scratch.rows = static_cast<const float*>(corpus_.data) + scratch.block.begin * dim_;
  } else {
    scratch.converted.reserve(block_rows_ * dim_);
    load_rows(corpus_, scratch.block, scratch.converted.data());
    scratch.rows = scratch.converted.data();
  }
  if (!is_exact_) pack_block(scratch);
}

void BlockedScores::pack_block(Scratch& scratch) const {
  const bool is_cosine = similarity_ == Similarity::kCosine;
  const std::size_t count = scratch.block.size(), panel_stride = k_blocks_ * kPanelBlock;
  scratch.packed.reserve(blocks_for(block_rows_, kPanelColumns) * panel_stride);
  scratch.factors.reserve(block_rows_);
  scratch.half_squares.reserve(block_rows_);
  if (is_cosine) scratch.scaled.reserve(kPanelColumns * dim_);
  double most_square = 0.0;
  for (std::size_t begin = 0; begin < count; begin += kPanelColumns) {
    const std::size_t end = std::min(begin + kPanelColumns, count);
    const float* source = scratch.rows + begin * dim_;
    for (std::size_t r = begin; r < end; ++r) {
      const float* row = scratch.rows + r * dim_;
      const float square = vector_kernels().dot(row, row, dim_);
      scratch.half_squares[r] = -0.5f * square;
      // A norm that is no number leaves everything in doubt.
      most_square = std::isnan(square) ? INFINITY : std::max<double>(most_square, square);
      scratch.factors[r] = 1.0f / std::max(std::sqrt(square), 1e-12f);
      if (is_cosine) {
        vector_kernels().scale(row, scratch.factors[r], dim_, scratch.scaled.data() + (r - begin) * dim_);
      }
    }
    if (is_cosine) source = scratch.scaled.data();
    kernels::pack_right_rows(products_, source, dim_, end - begin, dim_,
                             scratch.packed.data() + begin / kPanelColumns * panel_stride, panel_stride);
  }
  scratch.most_norm = is_cosine ? 1.0f : most_norm(most_square, dim_);
}

void BlockedScores::score(RowRange rows, Scratch& scratch) const {
  const std::size_t count = scratch.block.size();
  if (as_stored_) {
    quantized_block(similarity_, stored_, rows, corpus_, scratch.block, scratch.values.data(), value_stride_);
    return;
  }
  if (is_exact_) {
    similarity_block(similarity_, queries_, rows, {scratch.rows, count, dim_}, {0, count}, scratch.values.data(),
                     value_stride_);
    return;
  }
  const std::size_t row_blocks = blocks_for(rows.size(), kRowsAtOnce) * kRowsAtOnce / kBlockRows;
  const float* addend = nullptr;
  if (similarity_ == Similarity::kEuclidean) {
    // Half the squared distance, without the query's part, which all columns have in common.
    for (std::size_t r = 0; r < row_blocks * kBlockRows; ++r) {
      std::copy_n(scratch.half_squares.data(), count, scratch.values.data() + r * value_stride_);
    }
    addend = scratch.values.data();
  }
  const std::size_t block_stride = k_blocks_ * kBlockSize;
  kernels::multiply_panels(products_, packed_.data() + rows.begin / kBlockRows * block_stride, block_stride, row_blocks,
                           scratch.packed.data(), k_blocks_ * kPanelBlock, blocks_for(count, kPanelColumns), k_blocks_,
                           addend, scratch.values.data(), value_stride_);
}

const float* BlockedScores::values(std::size_t query, const Scratch& scratch) const {
  return scratch.values.data() + query % kTileRows * value_stride_;
}

BlockedScores::Bounds BlockedScores::bounds(std::size_t query, float score, const Scratch& scratch) const {
  if (is_exact_) return {score, score};
  const double norm = norms_[query], most = scratch.most_norm, relative = relative_error_;
  const double least = kLeastTerm * static_cast<double>(dim_) * (1.0 + norm + most);
  double center = score, error = relative * norm * most + least;
  if (similarity_ == Similarity::kEuclidean) {
    const double square = norm * norm, distance_square = static_cast<double>(score) * score;
    center = 0.5 * (square - distance_square);
    error += 4.0 * (static_cast<double>(dim_) + 16.0) * kF32Roundoff * (square + most * most + distance_square);
  }
  return {static_cast<float>(center - error), static_cast<float>(center + error)};
}

std::size_t BlockedScores::pick(std::size_t query, float score, RowRange columns, Scratch& scratch) const {
  const float floor = bounds(query, score, scratch).floor;
  const std::size_t count =
      vector_kernels().select(values(query, scratch) + columns.begin, columns.size(), floor, scratch.picked.data());
  for (std::size_t i = 0; i < count; ++i) scratch.picked[i] += static_cast<std::uint32_t>(columns.begin);
  return count;
}

void BlockedScores::exact(std::size_t query_index, const std::uint32_t* columns, std::size_t count,
                          const Scratch& scratch, float out[kPairTile]) const {
  if (is_exact_) {
    for (std::size_t i = 0; i < count; ++i) out[i] = values(query_index, scratch)[columns[i]];
    return;
  }
  const float *left[kPairTile], *right[kPairTile];
  float left_factors[kPairTile], right_factors[kPairTile], scores[kPairTile * kPairTile];
  for (std::size_t i = 0; i < kPairTile; ++i) {
    const std::uint32_t column = columns[std::min(i, count - 1)];
    left[i] = query(query_index);
    left_factors[i] = factors_[query_index];
    right[i] = scratch.rows + column * dim_;
    right_factors[i] = scratch.factors[column];
  }
  similarity_tile(similarity_, left, left_factors, right, right_factors, dim_, scores);
  std::copy_n(scores, count, out);
}

}  // namespace stillvec::search
