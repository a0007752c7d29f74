#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/products/products.h"
#include "runtime/buffer.h"
#include "training/matryoshka.h"
#include "training/objectives/score_layout.h"

namespace stillvec::training {

// The texts of a batch, packed for the products of scores: forward with the columns of the texts as k, backward with
// the texts as k.
class ScoreOperands {
 public:
  ScoreOperands(ThreadPool& pool, const kernels::ProductKernels& products) : pool_(pool), products_(products) {}

  // `texts`: rows of `dim` floats as the layout's texts() say.
  void pack_forward(const float* texts, std::size_t dim, const ScoreLayout& scores, const ColumnLayout& columns);

  // Comes after it, with the same texts, where there is a gradient.
  void pack_backward(const float* texts, std::size_t dim);

  // The products of the tile's rows of every side from `first_row` on with their candidates, over column block `block`:
  // products[r * stride + score], plus those that stand in `before` (null: none).
  void multiply(std::size_t block, std::size_t first_row, const float* before, float* products,
                std::size_t stride) const;

  // Left operand backward: 16 columns of a side's texts a row block, k over the batch.
  const std::uint32_t* columns_of_side(std::size_t side) const { return sides_[side].columns.data(); }
  std::size_t batch_blocks() const { return batch_blocks_; }

  // Right operand backward: a panel of columns of the candidates, k over all of them.
  const std::uint32_t* candidate_columns(std::size_t panel) const {
    return candidate_columns_.data() + panel * candidate_blocks_ * kernels::kPanelBlock;
  }
  std::size_t candidate_blocks() const { return candidate_blocks_; }

 private:
  struct Side {
    Buffer<std::uint32_t> rows;     // per block of columns: blocks of 16 texts x k over the columns
    Buffer<std::uint32_t> columns;  // blocks of 16 columns x k over the texts
  };

  ThreadPool& pool_;
  const kernels::ProductKernels& products_;
  const ScoreLayout* scores_ = nullptr;
  const ColumnLayout* columns_ = nullptr;
  std::size_t row_blocks_ = 0, batch_blocks_ = 0, candidate_blocks_ = 0;
  std::vector<Side> sides_;
  Buffer<std::uint32_t> candidate_rows_;  // per block of columns: panels of candidates x k over the columns
  Buffer<std::uint32_t> candidate_columns_;
};

}  // namespace stillvec::training
