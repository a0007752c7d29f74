#pragma once

#include <cstddef>
#include <vector>

namespace stillvec::training {

// One term of the loss: the loss of the first `dim` columns, times `weight`.
struct Prefix {
  std::size_t dim = 0;
  float weight = 1.0f;
};

// How columns are laid out for prefixes d_0 < d_1 < ...: block p holds columns [d_(p-1), d_p), so that the products of
// prefix p are those of prefix p - 1 plus those of block p, and the gradient of block p is summed over prefixes p, p
// + 1...
struct ColumnBlock {
  std::size_t begin = 0;
  std::size_t width = 0;
  std::size_t k_block = 0;  // first block of k, and how many, where columns are summed over
  std::size_t k_blocks = 0;
  std::size_t panel = 0;  // first panel of 32, and how many, where columns are the result's columns
  std::size_t panels = 0;
  std::size_t row_block = 0;  // first block of 16, and how many, where columns are the result's rows
  std::size_t row_blocks = 0;
};

struct ColumnLayout {
  std::vector<ColumnBlock> blocks;  // one a prefix
  std::size_t width = 0;            // columns that any prefix reads
  std::size_t k_blocks = 0;
  std::size_t panels = 0;
  std::size_t row_blocks = 0;
};

// `unit`: values in a unit of the products (kernels/products/products.h). `prefixes` ascend strictly.
ColumnLayout lay_out_columns(const std::vector<Prefix>& prefixes, std::size_t unit);

}  // namespace stillvec::training
