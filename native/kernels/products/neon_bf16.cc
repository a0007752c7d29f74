#include "kernels/products/products.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

STILLVEC_BEGIN_NEON_BF16
namespace stillvec::kernels::neon_bf16 {
namespace {

// To nearest even, in the upper half of each lane; the lower half is rubbish. NaNs aside, which no pooled row holds.
uint32x4_t round_to_bf16(const float* source) {
  const uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(source));
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  return vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
}

// Units whose first value has its bits in the upper half of `first`, and the second in that of `second`.
uint32x4_t join(uint32x4_t first, uint32x4_t second) { return vsriq_n_u32(second, first, 16); }

// Units u ... u + 3 of a source row whose k runs along it.
uint32x4_t along(const float* source) {
  const uint32x4_t low = round_to_bf16(source), high = round_to_bf16(source + 4);
  return join(vuzp1q_u32(low, high), vuzp2q_u32(low, high));
}

// One unit of 4 columns of a source whose k runs down.
uint32x4_t down(const float* source, std::size_t stride) {
  return join(round_to_bf16(source), round_to_bf16(source + stride));
}

void store_transposed(const uint32x4_t (&rows)[4], std::uint32_t* out, std::size_t stride) {
  const uint32x4x2_t low = vtrnq_u32(rows[0], rows[1]), high = vtrnq_u32(rows[2], rows[3]);
  vst1q_u32(out, vcombine_u32(vget_low_u32(low.val[0]), vget_low_u32(high.val[0])));
  vst1q_u32(out + stride, vcombine_u32(vget_low_u32(low.val[1]), vget_low_u32(high.val[1])));
  vst1q_u32(out + 2 * stride, vcombine_u32(vget_high_u32(low.val[0]), vget_high_u32(high.val[0])));
  vst1q_u32(out + 3 * stride, vcombine_u32(vget_high_u32(low.val[1]), vget_high_u32(high.val[1])));
}

void left_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t r = 0; r < 16; ++r) {
    for (std::size_t u = 0; u < 16; u += 4) vst1q_u32(packed + r * kBlockUnits + u, along(source + r * stride + 2 * u));
  }
}

void left_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t u = 0; u < 16; u += 4) {
    for (std::size_t r = 0; r < 16; r += 4) {
      uint32x4_t rows[4];
      for (std::size_t i = 0; i < 4; ++i) rows[i] = down(source + 2 * (u + i) * stride + r, stride);
      store_transposed(rows, packed + r * kBlockUnits + u, kBlockUnits);
    }
  }
}

void right_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t u = 0; u < 16; u += 4) {
    for (std::size_t c = 0; c < 16; c += 4) {
      uint32x4_t rows[4];
      for (std::size_t i = 0; i < 4; ++i) rows[i] = along(source + (c + i) * stride + 2 * u);
      store_transposed(rows, packed + u * kPanelColumns + c, kPanelColumns);
    }
  }
}

void right_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (std::size_t u = 0; u < 16; ++u) {
    for (std::size_t c = 0; c < 16; c += 4) {
      vst1q_u32(packed + u * kPanelColumns + c, down(source + 2 * u * stride + c, stride));
    }
  }
}

// 8 rows x 8 columns, as in f32: each unit is a dot product of two values.
template <int kLane>
void multiply_unit(const bfloat16x8_t (&a)[8], const std::uint32_t* b, float32x4_t (&sums)[8][2]) {
  const bfloat16x8_t b0 = vreinterpretq_bf16_u32(vld1q_u32(b)), b1 = vreinterpretq_bf16_u32(vld1q_u32(b + 4));
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
    sums[r][0] = vbfdotq_laneq_f32(sums[r][0], b0, a[r], kLane);
    sums[r][1] = vbfdotq_laneq_f32(sums[r][1], b1, a[r], kLane);
  }
}

void multiply_tile(const std::uint32_t* a, const std::uint32_t* b, std::size_t k_blocks, const float* before,
                   float* out, std::size_t out_stride) {
  float32x4_t sums[8][2];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
    sums[r][0] = before != nullptr ? vld1q_f32(before + r * out_stride) : vdupq_n_f32(0.0f);
    sums[r][1] = before != nullptr ? vld1q_f32(before + r * out_stride + 4) : vdupq_n_f32(0.0f);
  }
  for (std::size_t block = 0; block < k_blocks; ++block) {
    for (std::size_t u = 0; u < kBlockUnits; u += 4) {
      bfloat16x8_t rows[8];
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) rows[r] = vreinterpretq_bf16_u32(vld1q_u32(a + r * kBlockUnits + u));
      multiply_unit<0>(rows, b, sums);
      multiply_unit<1>(rows, b + kPanelColumns, sums);
      multiply_unit<2>(rows, b + 2 * kPanelColumns, sums);
      multiply_unit<3>(rows, b + 3 * kPanelColumns, sums);
      b += 4 * kPanelColumns;
    }
    a += kBlockSize;
  }
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
    vst1q_f32(out + r * out_stride, sums[r][0]);
    vst1q_f32(out + r * out_stride + 4, sums[r][1]);
  }
}

void multiply(const std::uint32_t* left, std::size_t left_stride, std::size_t row_blocks, const std::uint32_t* right,
              const std::uint32_t* /*next*/, std::size_t k_blocks, const float* addend, float* out,
              std::size_t out_stride) {
  for (std::size_t tile = 0; tile < 2 * row_blocks; ++tile) {
    const std::uint32_t* a = left + tile / 2 * left_stride + tile % 2 * 8 * kBlockUnits;
    for (std::size_t column = 0; column < kPanelColumns; column += 8) {
      const std::size_t place = tile * 8 * out_stride + column;
      multiply_tile(a, right + column, k_blocks, addend == nullptr ? nullptr : addend + place, out + place, out_stride);
    }
  }
}

}  // namespace

extern const ProductKernels kBf16Products;
const ProductKernels kBf16Products = {2, 8, 32, left_rows, left_columns, right_rows, right_columns, multiply};

}  // namespace stillvec::kernels::neon_bf16
STILLVEC_END

#endif
