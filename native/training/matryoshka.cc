#include "training/matryoshka.h"

#include "kernels/products/products.h"

namespace stillvec::training {

ColumnLayout lay_out_columns(const std::vector<Prefix>& prefixes, std::size_t unit) {
  ColumnLayout layout;
  for (const Prefix& prefix : prefixes) {
    ColumnBlock block;
    block.begin = layout.width;
    block.width = prefix.dim - layout.width;
    block.k_block = layout.k_blocks;
    block.k_blocks = kernels::blocks_for(block.width, kernels::kBlockUnits * unit);
    block.panel = layout.panels;
    block.panels = kernels::blocks_for(block.width, kernels::kPanelColumns);
    block.row_block = layout.row_blocks;
    block.row_blocks = kernels::blocks_for(block.width, kernels::kBlockRows);
    layout.width = prefix.dim;
    layout.k_blocks += block.k_blocks;
    layout.panels += block.panels;
    layout.row_blocks += block.row_blocks;
    layout.blocks.push_back(block);
  }
  return layout;
}

}  // namespace stillvec::training
