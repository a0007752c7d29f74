#include "kernels/products/products.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {
namespace {

#include "kernels/products/prefetch_x86.inl"

// An 8 x 8 corner of a block turned over.
void transpose_8x8(const float* source, std::size_t source_stride, float* out, std::size_t out_stride) {
  __m256 rows[8], pairs[8], quads[8];
  for (int i = 0; i < 8; ++i) rows[i] = _mm256_loadu_ps(source + i * source_stride);
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
    quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
  }
  for (int j = 0; j < 4; ++j) {
    _mm256_storeu_ps(out + j * out_stride, _mm256_permute2f128_ps(quads[j], quads[4 + j], 0x20));
    _mm256_storeu_ps(out + (4 + j) * out_stride, _mm256_permute2f128_ps(quads[j], quads[4 + j], 0x31));
  }
}

void transpose(const float* source, std::size_t source_stride, std::uint32_t* packed, std::size_t out_stride) {
  float* out = reinterpret_cast<float*>(packed);
  for (std::size_t r = 0; r < 16; r += 8) {
    for (std::size_t c = 0; c < 16; c += 8) {
      transpose_8x8(source + r * source_stride + c, source_stride, out + c * out_stride + r, out_stride);
    }
  }
}

void copy(const float* source, std::size_t source_stride, std::uint32_t* packed, std::size_t out_stride) {
  float* out = reinterpret_cast<float*>(packed);
  for (std::size_t r = 0; r < 16; ++r) {
    _mm256_storeu_ps(out + r * out_stride, _mm256_loadu_ps(source + r * source_stride));
    _mm256_storeu_ps(out + r * out_stride + 8, _mm256_loadu_ps(source + r * source_stride + 8));
  }
}

void left_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  copy(source, stride, packed, kBlockUnits);
}
void left_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  transpose(source, stride, packed, kBlockUnits);
}
void right_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  transpose(source, stride, packed, kPanelColumns);
}
void right_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  copy(source, stride, packed, kPanelColumns);
}

// kRows x 16 columns: at most 12 sums, 2 vectors of b and 1 of a in 16 registers.
template <int kRows>
void multiply_tile(const float* a, const float* b, std::size_t k_blocks, const float* before, float* out,
                   std::size_t out_stride) {
  __m256 sums[kRows][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    sums[r][0] = before != nullptr ? _mm256_loadu_ps(before + r * out_stride) : _mm256_setzero_ps();
    sums[r][1] = before != nullptr ? _mm256_loadu_ps(before + r * out_stride + 8) : _mm256_setzero_ps();
  }
  for (std::size_t block = 0; block < k_blocks; ++block) {
    for (std::size_t u = 0; u < kBlockUnits; ++u) {
      const __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const __m256 value = _mm256_set1_ps(a[r * static_cast<int>(kBlockUnits)]);
        sums[r][0] = _mm256_fmadd_ps(value, b0, sums[r][0]);
        sums[r][1] = _mm256_fmadd_ps(value, b1, sums[r][1]);
      }
      ++a;
      b += kPanelColumns;
    }
    a += kBlockSize - kBlockUnits;
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    _mm256_storeu_ps(out + r * out_stride, sums[r][0]);
    _mm256_storeu_ps(out + r * out_stride + 8, sums[r][1]);
  }
}

void multiply(const std::uint32_t* left, std::size_t left_stride, std::size_t row_blocks, const std::uint32_t* right,
              const std::uint32_t* next, std::size_t k_blocks, const float* addend, float* out,
              std::size_t out_stride) {
  // Sums begin at the same place of the addend as they stand at in the result.
  const auto before = [&](const float* sums) { return addend == nullptr ? nullptr : addend + (sums - out); };
  for (std::size_t block = 0; block < row_blocks; ++block) {
    const float* a = reinterpret_cast<const float*>(left + block * left_stride);
    const std::uint32_t* next_rows = left + (block + 1 < row_blocks ? block + 1 : block) * left_stride;
    float* c = out + block * kBlockRows * out_stride;
    for (std::size_t half = 0; half < kPanelColumns; half += 16) {
      for (std::size_t k = 0; k < k_blocks; ++k) {
        prefetch_share(next + k * kPanelBlock, 2 * block + half / 16, 2 * row_blocks);
        prefetch_rows(next_rows + k * kBlockSize + half / 16 * (kBlockSize / 2));
      }
      const float* b = reinterpret_cast<const float*>(right) + half;
      float* tile = c + half;
      multiply_tile<6>(a, b, k_blocks, before(tile), tile, out_stride);
      tile += 6 * out_stride;
      multiply_tile<6>(a + 6 * kBlockUnits, b, k_blocks, before(tile), tile, out_stride);
      tile += 6 * out_stride;
      multiply_tile<4>(a + 12 * kBlockUnits, b, k_blocks, before(tile), tile, out_stride);
    }
  }
}

}  // namespace

extern const ProductKernels kF32Products;
const ProductKernels kF32Products = {1, 8, 32, left_rows, left_columns, right_rows, right_columns, multiply};

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
