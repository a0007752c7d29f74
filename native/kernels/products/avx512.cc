#include "kernels/simd/avx512.h"
#include "kernels/products/products.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstddef>
#include <cstdint>

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {
namespace {

#include "kernels/products/pack_avx512.inl"
#include "kernels/products/prefetch_x86.inl"

struct F32 {
  static constexpr std::size_t kUnit = 1;
  // Units u = 0 ... 15 of a source row whose k runs along it.
  static __m512i along(const float* source) { return _mm512_loadu_si512(source); }
  // Unit `u` of 16 columns of a source whose k runs down.
  static __m512i down(const float* source, std::size_t stride, int u) {
    return _mm512_loadu_si512(source + u * stride);
  }
};

// 8 rows x 32 columns: 16 sums, enough to hide the latency of fma; a row's units are broadcast from memory.
void multiply(const std::uint32_t* left, std::size_t left_stride, std::size_t row_blocks, const std::uint32_t* right,
              const std::uint32_t* next, std::size_t k_blocks, const float* addend, float* out,
              std::size_t out_stride) {
  constexpr int kRows = 8;
  const std::size_t tiles = 2 * row_blocks;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const float* a = reinterpret_cast<const float*>(left + tile / 2 * left_stride + tile % 2 * kRows * kBlockUnits);
    const float* b = reinterpret_cast<const float*>(right);
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
        const __m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_loadu_ps(b + 16);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          const __m512 value = _mm512_set1_ps(a[r * static_cast<int>(kBlockUnits)]);
          sums[r][0] = _mm512_fmadd_ps(value, b0, sums[r][0]);
          sums[r][1] = _mm512_fmadd_ps(value, b1, sums[r][1]);
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

extern const ProductKernels kF32Products;
const ProductKernels kF32Products = {
    F32::kUnit, 8, 32, left_rows<F32>, left_columns<F32>, right_rows<F32>, right_columns<F32>, multiply};

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
