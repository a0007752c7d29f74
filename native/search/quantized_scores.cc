#include "search/quantized_scores.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/quantized/quantized.h"

namespace stillvec::search {
namespace {

using kernels::quantized_kernels;

// Rows of `a` that meet each tile of `b`.
constexpr std::size_t kBlock = 64;
constexpr std::size_t kTile = kPairTile * kPairTile;

// Four rows from `first` on; the last one again where there are fewer.
template <typename Byte>
void row_pointers(const Rows& rows, std::size_t first, std::size_t end, const Byte* out[kPairTile]) {
  const std::size_t row_bytes = rows.row_bytes();
  const auto* begin = static_cast<const Byte*>(rows.data) + first * row_bytes;
  for (std::size_t i = 0; i < kPairTile; ++i) out[i] = begin + std::min(i, end - 1 - first) * row_bytes;
}

float inverse_norm_of(std::int32_t square) { return 1.0f / std::max(std::sqrt(static_cast<float>(square)), 1e-12f); }

// Bits: every row has the norm sqrt(dim).
class BitScores {
 public:
  using Byte = std::uint8_t;

  BitScores(Similarity similarity, const Rows& rows)
      : similarity_(similarity),
        row_bytes_(rows.row_bytes()),
        dim_(static_cast<std::int32_t>(rows.dim)),
        factor_(inverse_norm_of(dim_)) {}

  void take_left(std::size_t, const Byte* const[kPairTile]) {}
  void take_right(const Byte* const[kPairTile]) {}

  void tile(std::size_t, const Byte* const a[kPairTile], const Byte* const b[kPairTile], float out[kTile]) const {
    std::int32_t differing[kTile];
    quantized_kernels().hamming_tile(a, b, row_bytes_, differing);
    switch (similarity_) {
      case Similarity::kCosine:
        for (std::size_t i = 0; i < kTile; ++i) {
          out[i] = static_cast<float>(dim_ - 2 * differing[i]) * factor_ * factor_;
        }
        break;
      case Similarity::kDot:
        for (std::size_t i = 0; i < kTile; ++i) out[i] = static_cast<float>(dim_ - 2 * differing[i]);
        break;
      case Similarity::kEuclidean:
        for (std::size_t i = 0; i < kTile; ++i) out[i] = -std::sqrt(static_cast<float>(4 * differing[i]));
        break;
      case Similarity::kManhattan:
        for (std::size_t i = 0; i < kTile; ++i) out[i] = static_cast<float>(-2 * differing[i]);
        break;
    }
  }

 private:
  Similarity similarity_;
  std::size_t row_bytes_;
  std::int32_t dim_;
  float factor_;
};

class Int8Scores {
 public:
  using Byte = std::int8_t;

  Int8Scores(Similarity similarity, const Rows& rows) : similarity_(similarity), dim_(rows.dim) {}

  // The rows number `first` to `first` + 3 of the block's left side.
  void take_left(std::size_t first, const Byte* const rows[kPairTile]) { norms_of(rows, left_ + first); }
  void take_right(const Byte* const rows[kPairTile]) { norms_of(rows, right_); }

  void tile(std::size_t first, const Byte* const a[kPairTile], const Byte* const b[kPairTile], float out[kTile]) const {
    std::int32_t dots[kTile];
    quantized_kernels().dot_tile(a, b, dim_, dots);
    for (std::size_t i = 0; i < kTile; ++i) {
      const Norm &left = left_[first + i / kPairTile], &right = right_[i % kPairTile];
      if (similarity_ == Similarity::kCosine) {
        out[i] = static_cast<float>(dots[i]) * left.inverse * right.inverse;
      } else if (similarity_ == Similarity::kEuclidean) {
        out[i] = -std::sqrt(static_cast<float>(left.square + right.square - 2 * std::int64_t{dots[i]}));
      } else {
        out[i] = static_cast<float>(dots[i]);
      }
    }
  }

 private:
  struct Norm {
    std::int64_t square;
    float inverse;
  };

  void norms_of(const Byte* const rows[kPairTile], Norm* out) const {
    if (similarity_ == Similarity::kDot) return;
    std::int32_t dots[kTile];
    quantized_kernels().dot_tile(rows, rows, dim_, dots);
    for (std::size_t i = 0; i < kPairTile; ++i) {
      const std::int32_t square = dots[kPairTile * i + i];
      out[i] = {square, inverse_norm_of(square)};
    }
  }

  Similarity similarity_;
  std::size_t dim_;
  Norm left_[kBlock] = {}, right_[kPairTile] = {};
};

template <typename Scores>
void block(Similarity similarity, const Rows& a, RowRange a_rows, const Rows& b, RowRange b_rows, float* out,
           std::size_t stride) {
  using Byte = typename Scores::Byte;
  Scores scores(similarity, a);
  for (std::size_t a_begin = a_rows.begin; a_begin < a_rows.end; a_begin += kBlock) {
    const std::size_t a_end = std::min(a_begin + kBlock, a_rows.end);
    const Byte *left[kPairTile], *right[kPairTile];
    for (std::size_t i = a_begin; i < a_end; i += kPairTile) {
      row_pointers(a, i, a_end, left);
      scores.take_left(i - a_begin, left);
    }
    for (std::size_t j = b_rows.begin; j < b_rows.end; j += kPairTile) {
      const std::size_t columns = std::min(kPairTile, b_rows.end - j);
      row_pointers(b, j, b_rows.end, right);
      scores.take_right(right);
      for (std::size_t i = a_begin; i < a_end; i += kPairTile) {
        row_pointers(a, i, a_end, left);
        float values[kTile];
        scores.tile(i - a_begin, left, right, values);
        for (std::size_t r = 0; r < std::min(kPairTile, a_end - i); ++r) {
          std::copy_n(values + kPairTile * r, columns, out + (i - a_rows.begin + r) * stride + (j - b_rows.begin));
        }
      }
    }
  }
}

}  // namespace

bool are_scored_as_stored(Similarity similarity, const Rows& a, const Rows& b) {
  if (a.format != b.format || a.row_bytes() > kernels::kMostQuantized) return false;
  switch (a.format) {
    case RowFormat::kBinary:
    case RowFormat::kUbinary: return true;
    case RowFormat::kInt8: return similarity != Similarity::kManhattan;
    case RowFormat::kFloat32:
    case RowFormat::kUint8: return false;
  }
  return false;
}

void quantized_block(Similarity similarity, const Rows& a, RowRange a_rows, const Rows& b, RowRange b_rows, float* out,
                     std::size_t stride) {
  if (a.format == RowFormat::kInt8) {
    block<Int8Scores>(similarity, a, a_rows, b, b_rows, out, stride);
  } else {
    block<BitScores>(similarity, a, a_rows, b, b_rows, out, stride);
  }
}

}  // namespace stillvec::search
