#include "training/matrix_product.h"

#include <algorithm>

#include "runtime/thread_pool.h"

namespace stillvec::training {

using kernels::blocks_for;
using kernels::kBlockRows;
using kernels::kBlockSize;
using kernels::kBlockUnits;
using kernels::kPanelBlock;
using kernels::kPanelColumns;

namespace {

// Added to the stride of the result's rows, which else is near a multiple of 4 KiB: they would share one set of L1.
constexpr std::size_t kSkew = 16;

}  // namespace

MatrixProduct::MatrixProduct(ThreadPool& pool, const kernels::ProductKernels& products)
    : pool_(pool), products_(products), scratch_(pool.size()) {}

void MatrixProduct::run(const MatrixView& left, const MatrixView& right, const ShallStop& shall_stop,
                        const std::function<void(const Rows&)>& visit) {
  const std::size_t depth = left.columns, k_blocks = blocks_for(depth, kBlockUnits * products_.unit);
  const std::size_t panels = blocks_for(right.columns, kPanelColumns);
  const std::size_t panel_size = k_blocks * kPanelBlock;
  right_.reserve(panels * panel_size);
  pool_.parallel_for(panels, [&](std::size_t panel, unsigned) {
    const std::size_t first = panel * kPanelColumns, count = std::min(kPanelColumns, right.columns - first);
    std::uint32_t* packed = right_.data() + panel * panel_size;
    if (right.is_transposed) {
      kernels::pack_right_rows(products_, right.values + first * right.stride, right.stride, count, depth, packed,
                               panel_size);
    } else {
      kernels::pack_right_columns(products_, right.values + first, right.stride, count, depth, packed, panel_size);
    }
  });

  const std::size_t tile_rows = products_.tile_rows, stride = panels * kPanelColumns + kSkew;
  for (Scratch& scratch : scratch_) {
    scratch.left.reserve(tile_rows / kBlockRows * k_blocks * kBlockSize);
    scratch.rows.reserve(tile_rows * stride);
  }
  pool_.parallel_for(blocks_for(left.rows, tile_rows), [&](std::size_t tile, unsigned slot) {
    if (shall_stop && shall_stop()) return;
    Scratch& scratch = scratch_[slot];
    const std::size_t first = tile * tile_rows, count = std::min(tile_rows, left.rows - first);
    if (left.is_transposed) {
      kernels::pack_left_columns(products_, left.values + first, left.stride, count, depth, scratch.left.data(),
                                 k_blocks * kBlockSize);
    } else {
      kernels::pack_left_rows(products_, left.values + first * left.stride, left.stride, count, depth,
                              scratch.left.data(), k_blocks * kBlockSize);
    }
    kernels::multiply_panels(products_, scratch.left.data(), k_blocks * kBlockSize, blocks_for(count, kBlockRows),
                             right_.data(), panel_size, panels, k_blocks, nullptr, scratch.rows.data(), stride);
    visit({first, count, scratch.rows.data(), stride});
  });
}

}  // namespace stillvec::training
