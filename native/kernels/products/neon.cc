#include "kernels/products/products.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace stillvec::kernels::neon {
namespace {

void transpose_4x4(const float* source, std::size_t source_stride, float* out, std::size_t out_stride) {
  const float32x4x2_t low = vtrnq_f32(vld1q_f32(source), vld1q_f32(source + source_stride));
  const float32x4x2_t high = vtrnq_f32(vld1q_f32(source + 2 * source_stride), vld1q_f32(source + 3 * source_stride));
  vst1q_f32(out, vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0])));
  vst1q_f32(out + out_stride, vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1])));
  vst1q_f32(out + 2 * out_stride, vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0])));
  vst1q_f32(out + 3 * out_stride, vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1])));
}

void transpose(const float* source, std::size_t source_stride, std::uint32_t* packed, std::size_t out_stride) {
  float* out = reinterpret_cast<float*>(packed);
  for (std::size_t r = 0; r < 16; r += 4) {
    for (std::size_t c = 0; c < 16; c += 4) {
      transpose_4x4(source + r * source_stride + c, source_stride, out + c * out_stride + r, out_stride);
    }
  }
}

void copy(const float* source, std::size_t source_stride, std::uint32_t* packed, std::size_t out_stride) {
  float* out = reinterpret_cast<float*>(packed);
  for (std::size_t r = 0; r < 16; ++r) {
    for (std::size_t c = 0; c < 16; c += 4) {
      vst1q_f32(out + r * out_stride + c, vld1q_f32(source + r * source_stride + c));
    }
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

// 8 rows x 8 columns: 16 sums in 32 registers. Four units of a row are loaded at once and multiplied lane by lane.
template <int kLane>
void multiply_unit(const float32x4_t (&a)[8], const float* b, float32x4_t (&sums)[8][2]) {
  const float32x4_t b0 = vld1q_f32(b), b1 = vld1q_f32(b + 4);
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
    sums[r][0] = vfmaq_laneq_f32(sums[r][0], b0, a[r], kLane);
    sums[r][1] = vfmaq_laneq_f32(sums[r][1], b1, a[r], kLane);
  }
}

void multiply_tile(const float* a, const float* b, std::size_t k_blocks, const float* before, float* out,
                   std::size_t out_stride) {
  float32x4_t sums[8][2];
#pragma GCC unroll 8
  for (int r = 0; r < 8; ++r) {
    sums[r][0] = before != nullptr ? vld1q_f32(before + r * out_stride) : vdupq_n_f32(0.0f);
    sums[r][1] = before != nullptr ? vld1q_f32(before + r * out_stride + 4) : vdupq_n_f32(0.0f);
  }
  for (std::size_t block = 0; block < k_blocks; ++block) {
    for (std::size_t u = 0; u < kBlockUnits; u += 4) {
      float32x4_t rows[8];
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) rows[r] = vld1q_f32(a + r * kBlockUnits + u);
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
    const float* a = reinterpret_cast<const float*>(left + tile / 2 * left_stride + tile % 2 * 8 * kBlockUnits);
    for (std::size_t column = 0; column < kPanelColumns; column += 8) {
      const std::size_t place = tile * 8 * out_stride + column;
      multiply_tile(a, reinterpret_cast<const float*>(right) + column, k_blocks,
                    addend == nullptr ? nullptr : addend + place, out + place, out_stride);
    }
  }
}

}  // namespace

extern const ProductKernels kF32Products;
const ProductKernels kF32Products = {1, 8, 32, left_rows, left_columns, right_rows, right_columns, multiply};

}  // namespace stillvec::kernels::neon

#endif
