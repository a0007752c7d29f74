// The AMX kernel over a type of tiles, so that tests run all of it on emulated ones. `Tiles` has, while it lives, eight
// tiles of 16 rows x 16 units: sums(i, j) for i, j < 2 of f32, left(i) and right(j) of bf16 pairs.
//
//   load_sums<i, j>(from, stride), clear_sums<i, j>(), store_sums<i, j>(to, stride)    rows `stride` floats apart
//   load_left<i>(block), load_right<j>(panel)                                         layouts of products.h
//   multiply_add<i, j>(): sums(i, j) += left(i) right(j)
//
// 32 x 32 sums at a time: each of four loaded tiles is used twice.
template <typename Tiles, int kBlocks>
static void multiply_tiles(Tiles& tiles, const std::uint32_t* left, std::size_t left_stride, const std::uint32_t* right,
                           std::size_t k_blocks, const float* addend, float* out, std::size_t out_stride) {
  constexpr std::size_t kHalf = kPanelColumns / 2;
  const std::size_t lower = kBlockRows * out_stride;
  if (addend == nullptr) {
    tiles.template clear_sums<0, 0>();
    tiles.template clear_sums<0, 1>();
    if constexpr (kBlocks == 2) {
      tiles.template clear_sums<1, 0>();
      tiles.template clear_sums<1, 1>();
    }
  } else {
    tiles.template load_sums<0, 0>(addend, out_stride);
    tiles.template load_sums<0, 1>(addend + kHalf, out_stride);
    if constexpr (kBlocks == 2) {
      tiles.template load_sums<1, 0>(addend + lower, out_stride);
      tiles.template load_sums<1, 1>(addend + lower + kHalf, out_stride);
    }
  }
  for (std::size_t block = 0; block < k_blocks; ++block) {
    tiles.template load_left<0>(left + block * kBlockSize);
    tiles.template load_right<0>(right + block * kPanelBlock);
    tiles.template load_right<1>(right + block * kPanelBlock + kHalf);
    tiles.template multiply_add<0, 0>();
    tiles.template multiply_add<0, 1>();
    if constexpr (kBlocks == 2) {
      tiles.template load_left<1>(left + left_stride + block * kBlockSize);
      tiles.template multiply_add<1, 0>();
      tiles.template multiply_add<1, 1>();
    }
  }
  tiles.template store_sums<0, 0>(out, out_stride);
  tiles.template store_sums<0, 1>(out + kHalf, out_stride);
  if constexpr (kBlocks == 2) {
    tiles.template store_sums<1, 0>(out + lower, out_stride);
    tiles.template store_sums<1, 1>(out + lower + kHalf, out_stride);
  }
}

template <typename Tiles>
static void multiply(const std::uint32_t* left, std::size_t left_stride, std::size_t row_blocks,
                     const std::uint32_t* right, const std::uint32_t* next, std::size_t k_blocks, const float* addend,
                     float* out, std::size_t out_stride) {
  Tiles tiles;
  const std::size_t pairs = (row_blocks + 1) / 2;
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    for (std::size_t block = 0; block < k_blocks; ++block)
      tiles.prefetch_share(next + block * kPanelBlock, pair, pairs);
    const std::size_t place = 2 * pair * kBlockRows * out_stride;
    const std::uint32_t* rows = left + 2 * pair * left_stride;
    const float* before = addend == nullptr ? nullptr : addend + place;
    if (2 * pair + 1 < row_blocks) {
      multiply_tiles<Tiles, 2>(tiles, rows, left_stride, right, k_blocks, before, out + place, out_stride);
    } else {
      multiply_tiles<Tiles, 1>(tiles, rows, left_stride, right, k_blocks, before, out + place, out_stride);
    }
  }
}
