#include "training/objectives/score_operands.h"

#include <algorithm>
#include <cstring>

#include "runtime/thread_pool.h"

namespace stillvec::training {

using kernels::blocks_for;
using kernels::kBlockRows;
using kernels::kBlockSize;
using kernels::kBlockUnits;
using kernels::kPanelBlock;
using kernels::kPanelColumns;

void ScoreOperands::pack_forward(const float* texts, std::size_t dim, const ScoreLayout& scores,
                                 const ColumnLayout& columns) {
  scores_ = &scores;
  columns_ = &columns;
  row_blocks_ = blocks_for(scores.batch(), products_.tile_rows) * (products_.tile_rows / kBlockRows);
  const std::size_t panels = scores.candidate_panels(), row_chunks = scores.sides().size() * row_blocks_;
  sides_.resize(std::max(sides_.size(), scores.sides().size()));
  for (std::size_t s = 0; s < scores.sides().size(); ++s) {
    sides_[s].rows.reserve(row_blocks_ * columns.k_blocks * kBlockSize);
  }
  candidate_rows_.reserve(panels * columns.k_blocks * kPanelBlock);

  pool_.parallel_for(row_chunks + panels, [&](std::size_t chunk, unsigned) {
    if (chunk < row_chunks) {
      const ScoreSide& side = scores.sides()[chunk / row_blocks_];
      const std::size_t row_block = chunk % row_blocks_, row = row_block * kBlockRows;
      const std::size_t count = row < scores.batch() ? std::min(kBlockRows, scores.batch() - row) : 0;
      for (const ColumnBlock& block : columns.blocks) {
        const std::size_t size = block.k_blocks * kBlockSize;
        std::uint32_t* packed =
            sides_[chunk / row_blocks_].rows.data() + row_blocks_ * block.k_block * kBlockSize + row_block * size;
        if (count == 0) std::memset(packed, 0, size * sizeof(std::uint32_t));
        kernels::pack_left_rows(products_, texts + (side.first_text + row) * dim + block.begin, dim, count, block.width,
                                packed, size);
      }
      return;
    }
    const std::size_t panel = chunk - row_chunks;
    for (const ColumnBlock& block : columns.blocks) {
      const std::size_t size = block.k_blocks * kPanelBlock;
      kernels::pack_right_rows(products_, texts + panel * kPanelColumns * dim + block.begin, dim,
                               scores.panel_count(panel), block.width,
                               candidate_rows_.data() + panels * block.k_block * kPanelBlock + panel * size, size);
    }
  });
}

void ScoreOperands::pack_backward(const float* texts, std::size_t dim) {
  const std::size_t unit = products_.unit, panels = scores_->candidate_panels();
  const std::size_t document_panels = std::min(scores_->document_panels(), panels);
  batch_blocks_ = blocks_for(scores_->batch(), kBlockUnits * unit);
  candidate_blocks_ = panels * kPanelColumns / (kBlockUnits * unit);
  for (std::size_t s = 0; s < scores_->sides().size(); ++s) {
    sides_[s].columns.reserve(columns_->row_blocks * batch_blocks_ * kBlockSize);
  }
  candidate_columns_.reserve(columns_->panels * candidate_blocks_ * kPanelBlock);

  pool_.parallel_for(columns_->panels, [&](std::size_t panel, unsigned) {
    std::size_t p = 0;
    while (panel >= columns_->blocks[p].panel + columns_->blocks[p].panels) ++p;
    const ColumnBlock& block = columns_->blocks[p];
    const std::size_t offset = (panel - block.panel) * kPanelColumns;
    const std::size_t width = std::min(kPanelColumns, block.width - offset);
    const float* columns = texts + block.begin + offset;

    std::uint32_t* packed = candidate_columns_.data() + panel * candidate_blocks_ * kPanelBlock;
    // The documents, then the anchors: between them stand rows of no text.
    for (const auto& [first, end] : {std::pair(std::size_t{0}, document_panels), std::pair(document_panels, panels)}) {
      if (first == end) continue;
      const std::size_t count = (end - first - 1) * kPanelColumns + scores_->panel_count(end - 1);
      const std::size_t begin_block = first * kPanelColumns / (kBlockUnits * unit);
      const std::size_t end_block = end * kPanelColumns / (kBlockUnits * unit);
      const std::size_t used_blocks = blocks_for(count, kBlockUnits * unit);
      kernels::pack_right_columns(products_, columns + first * kPanelColumns * dim, dim, width, count,
                                  packed + begin_block * kPanelBlock, 0);
      std::memset(packed + (begin_block + used_blocks) * kPanelBlock, 0,
                  (end_block - begin_block - used_blocks) * kPanelBlock * sizeof(std::uint32_t));
    }
    for (std::size_t s = 0; s < scores_->sides().size(); ++s) {
      kernels::pack_left_columns(
          products_, columns + scores_->sides()[s].first_text * dim, dim, width, scores_->batch(),
          sides_[s].columns.data() + (block.row_block + offset / kBlockRows) * batch_blocks_ * kBlockSize,
          batch_blocks_ * kBlockSize);
    }
  });
}

void ScoreOperands::multiply(std::size_t block_index, std::size_t first_row, const float* before, float* products,
                             std::size_t stride) const {
  const ColumnBlock& block = columns_->blocks[block_index];
  for (std::size_t s = 0; s < scores_->sides().size(); ++s) {
    const ScoreSide& side = scores_->sides()[s];
    const std::uint32_t* left = sides_[s].rows.data() + row_blocks_ * block.k_block * kBlockSize +
                                first_row / kBlockRows * block.k_blocks * kBlockSize;
    const std::uint32_t* right = candidate_rows_.data() + scores_->candidate_panels() * block.k_block * kPanelBlock +
                                 side.panel * block.k_blocks * kPanelBlock;
    kernels::multiply_panels(products_, left, block.k_blocks * kBlockSize, products_.tile_rows / kBlockRows, right,
                             block.k_blocks * kPanelBlock, side.panels, block.k_blocks,
                             before == nullptr ? nullptr : before + side.column, products + side.column, stride);
  }
}

}  // namespace stillvec::training
