#include "kernels/products/products.h"
#include "kernels/simd/avx512.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstddef>
#include <cstdint>

STILLVEC_BEGIN_AVX512_BF16
namespace stillvec::kernels::avx512_bf16 {
namespace {

#include "kernels/products/pack_avx512.inl"
#include "kernels/products/prefetch_x86.inl"

#include "kernels/products/bf16_avx512.inl"

// 8 rows x 32 columns, as in f32: each unit is two multiply-adds.
void multiply(const std::uint32_t* left, std::size_t left_stride, std::size_t row_blocks, const std::uint32_t* right,
              const std::uint32_t* next, std::size_t k_blocks, const float* addend, float* out,
              std::size_t out_stride) {
  constexpr int kRows = 8;
  const std::size_t tiles = 2 * row_blocks;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::uint32_t* a = left + tile / 2 * left_stride + tile % 2 * kRows * kBlockUnits;
    const std::uint32_t* b = right;
    float* c = out + tile * kRows * out_stride;
    const float* before = addend == nullptr ? nullptr : addend + tile * kRows * out_stride;
    const std::size_t next_tile = tile + 1 < tiles ? tile + 1 : tile;
    const std::uint32_t* next_rows = left + next_tile / 2 * left_stride + next_tile % 2 * kRows * kBlockUnits;
    __m512 sums[kRows][2];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      sums[r][0] = before != nullptr ? _mm512_loadu_ps(before + r * out_stride) : _mm512_setzero_ps();
      sums[r][1] = before != nullptr ? _mm512_loadu_ps(before + r * out_stride + 16) : _mm512_setzero_ps();
    }
    for (std::size_t block = 0; block < k_blocks; ++block) {
      prefetch_share(next + block * kPanelBlock, tile, tiles);
      prefetch_rows(next_rows + block * kBlockSize);
      for (std::size_t u = 0; u < kBlockUnits; ++u) {
        const __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + 16);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          const __m512bh value = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[r * static_cast<int>(kBlockUnits)]));
          sums[r][0] = _mm512_dpbf16_ps(sums[r][0], value, b0);
          sums[r][1] = _mm512_dpbf16_ps(sums[r][1], value, b1);
        }
        ++a;
        b += kPanelColumns;
      }
      a += kBlockSize - kBlockUnits;
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      _mm512_storeu_ps(c + r * out_stride, sums[r][0]);
      _mm512_storeu_ps(c + r * out_stride + 16, sums[r][1]);
    }
  }
}

}  // namespace

extern const ProductKernels kBf16Products;
const ProductKernels kBf16Products = {
    Bf16::kUnit, 8, 32, left_rows<Bf16>, left_columns<Bf16>, right_rows<Bf16>, right_columns<Bf16>, multiply};

}  // namespace stillvec::kernels::avx512_bf16
STILLVEC_END

#endif
