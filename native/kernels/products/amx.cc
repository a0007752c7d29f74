#include "kernels/products/products.h"
#include "kernels/simd/avx512.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstddef>
#include <cstdint>

STILLVEC_BEGIN_AMX
namespace stillvec::kernels::amx {
namespace {

#include "kernels/products/amx.inl"
#include "kernels/products/bf16_avx512.inl"
#include "kernels/products/pack_avx512.inl"
#include "kernels/products/prefetch_x86.inl"

// Constant, since GCC's ldtilecfg says that it reads eight bytes: it might not store the rest of a local one.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileConfig kTileConfig;

// Tiles 0 ... 3 are the sums, 4 and 5 the left operand, 6 and 7 the right one. The intrinsics take literal numbers
// only.
struct Tiles {
  Tiles() { _tile_loadconfig(&kTileConfig); }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;

  template <int i, int j>
  void clear_sums() {
    if constexpr (i == 0 && j == 0) _tile_zero(0);
    if constexpr (i == 0 && j == 1) _tile_zero(1);
    if constexpr (i == 1 && j == 0) _tile_zero(2);
    if constexpr (i == 1 && j == 1) _tile_zero(3);
  }
  template <int i, int j>
  void load_sums(const float* from, std::size_t stride) {
    if constexpr (i == 0 && j == 0) _tile_loadd(0, from, stride * sizeof(float));
    if constexpr (i == 0 && j == 1) _tile_loadd(1, from, stride * sizeof(float));
    if constexpr (i == 1 && j == 0) _tile_loadd(2, from, stride * sizeof(float));
    if constexpr (i == 1 && j == 1) _tile_loadd(3, from, stride * sizeof(float));
  }
  template <int i, int j>
  void store_sums(float* to, std::size_t stride) {
    if constexpr (i == 0 && j == 0) _tile_stored(0, to, stride * sizeof(float));
    if constexpr (i == 0 && j == 1) _tile_stored(1, to, stride * sizeof(float));
    if constexpr (i == 1 && j == 0) _tile_stored(2, to, stride * sizeof(float));
    if constexpr (i == 1 && j == 1) _tile_stored(3, to, stride * sizeof(float));
  }
  template <int i>
  void load_left(const std::uint32_t* block) {
    if constexpr (i == 0) _tile_loadd(4, block, kBlockUnits * sizeof(std::uint32_t));
    if constexpr (i == 1) _tile_loadd(5, block, kBlockUnits * sizeof(std::uint32_t));
  }
  template <int j>
  void load_right(const std::uint32_t* panel) {
    if constexpr (j == 0) _tile_loadd(6, panel, kPanelColumns * sizeof(std::uint32_t));
    if constexpr (j == 1) _tile_loadd(7, panel, kPanelColumns * sizeof(std::uint32_t));
  }
  template <int i, int j>
  void multiply_add() {
    if constexpr (i == 0 && j == 0) _tile_dpbf16ps(0, 4, 6);
    if constexpr (i == 0 && j == 1) _tile_dpbf16ps(1, 4, 7);
    if constexpr (i == 1 && j == 0) _tile_dpbf16ps(2, 5, 6);
    if constexpr (i == 1 && j == 1) _tile_dpbf16ps(3, 5, 7);
  }
  void prefetch_share(const std::uint32_t* block, std::size_t tile, std::size_t tiles) {
    amx::prefetch_share(block, tile, tiles);
  }
};

// A multiply-add of tiles takes 16 cycles, so the tiles must come from near: deeper panel parts, which also pay for
// setting the tiles up, and more rows for each panel that is fetched.
constexpr std::size_t kDepth = 32, kTileRows = 64;

}  // namespace

extern const ProductKernels kBf16Products;
const ProductKernels kBf16Products = {Bf16::kUnit,        kDepth,           kTileRows,           left_rows<Bf16>,
                                      left_columns<Bf16>, right_rows<Bf16>, right_columns<Bf16>, multiply<Tiles>};

}  // namespace stillvec::kernels::amx
STILLVEC_END

#endif
