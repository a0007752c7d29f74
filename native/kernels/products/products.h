#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// Matrix products C += A B of packed operands, summed in f32.
//
// An operand is cut along k into units of 4 bytes: one f32, or two bf16 that stand one after the other in k. Blocks are
// 16 units deep, so that a left block is one AMX tile and a right one feeds two.
//
//   left:  rows in blocks of 16:     block[16 rows][16 units]             a row block's blocks follow each other in k
//   right: columns in panels of 32:  panel[k units][32 columns]
//
// Rows, columns and k beyond the matrix are zero. Source matrices are row-major f32; for bf16 their values are rounded
// to nearest even.
inline constexpr std::size_t kBlockRows = 16;
inline constexpr std::size_t kBlockUnits = 16;
inline constexpr std::size_t kPanelColumns = 32;
inline constexpr std::size_t kBlockSize = kBlockRows * kBlockUnits;      // units in a left block
inline constexpr std::size_t kPanelBlock = kPanelColumns * kBlockUnits;  // units in a panel, per block of k

struct ProductKernels {
  std::size_t unit;       // values of k in a unit: 1 (f32) or 2 (bf16)
  std::size_t depth;      // blocks of k in a call of multiply() that keep a panel's part near
  std::size_t tile_rows;  // rows, a multiple of 32, that make it worth fetching a panel

  // One block of 16 x 16 units from a source whose rows are `stride` floats apart.
  //   left_rows:     A[16][16 unit]  (k runs along a row)     -> block[row][u]
  //   left_columns:  A'[16 unit][16] (k runs down a column)   -> block[row][u]
  //   right_columns: B[16 unit][16]  (k runs down a column)   -> panel[u][column]
  //   right_rows:    B'[16][16 unit] (k runs along a row)     -> panel[u][column]
  using PackBlock = void (*)(const float* source, std::size_t stride, std::uint32_t* packed);
  PackBlock left_rows;
  PackBlock left_columns;
  PackBlock right_rows;
  PackBlock right_columns;

  // for r < 16 row_blocks, c < 32:
  //   out[r * out_stride + c] = addend[r * out_stride + c] + sum over k of left[r][k] * right[k][c]
  // (addend null: zeros; it may be out itself) with k_blocks blocks of k, row block b at left + b * left_stride, one
  // panel at right. `next`: what will be `right` in the next call, to be fetched meanwhile.
  void (*multiply)(const std::uint32_t* left, std::size_t left_stride, std::size_t row_blocks,
                   const std::uint32_t* right, const std::uint32_t* next, std::size_t k_blocks, const float* addend,
                   float* out, std::size_t out_stride);
};

const ProductKernels& f32_products(Isa isa);
const ProductKernels& f32_products();  // those of cpu().active

// What multiplies bf16: the reference, or instructions that not every CPU of an ISA has.
enum class Bf16Unit { kScalar, kAvx512, kAmx, kNeon };

const ProductKernels& bf16_products(Bf16Unit unit);
bool bf16_supported(Bf16Unit unit);  // whether they run here

// Those of the best unit that cpu() allows; f32_products() where there is none, since f32 is faster there and no less
// exact.
const ProductKernels& bf16_products();

inline std::size_t blocks_for(std::size_t count, std::size_t block) { return (count + block - 1) / block; }

// Packs rows x k values, any size, as above: from sources where k runs along the rows (`pack_*_rows`: `rows` source
// rows of `k` values) or down the columns (`pack_*_columns`: `k` source rows of `rows` values). Consecutive row blocks
// (panels) go `block_stride` (`panel_stride`) units apart.
void pack_left_rows(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t rows,
                    std::size_t k, std::uint32_t* packed, std::size_t block_stride);
void pack_left_columns(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t rows,
                       std::size_t k, std::uint32_t* packed, std::size_t block_stride);
void pack_right_rows(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t columns,
                     std::size_t k, std::uint32_t* packed, std::size_t panel_stride);
void pack_right_columns(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t columns,
                        std::size_t k, std::uint32_t* packed, std::size_t panel_stride);

// multiply() for `panels` panels, `panel_stride` units apart, whose columns stand side by side in `out`, in steps along
// k that keep a panel's part in L1.
void multiply_panels(const ProductKernels& kernels, const std::uint32_t* left, std::size_t left_stride,
                     std::size_t row_blocks, const std::uint32_t* right, std::size_t panel_stride, std::size_t panels,
                     std::size_t k_blocks, const float* addend, float* out, std::size_t out_stride);

}  // namespace stillvec::kernels
