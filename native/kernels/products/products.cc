#include "kernels/products/products.h"

#include <algorithm>
#include <cstring>

#include "kernels/prefetch.h"
#include "kernels/target_region.h"

namespace stillvec::kernels {

namespace scalar {
extern const ProductKernels kF32Products;
extern const ProductKernels kBf16Products;
}  // namespace scalar
#if defined(STILLVEC_X86)
namespace avx2 {
extern const ProductKernels kF32Products;
}
namespace avx512 {
extern const ProductKernels kF32Products;
}
namespace avx512_bf16 {
extern const ProductKernels kBf16Products;
}
namespace amx {
extern const ProductKernels kBf16Products;
}
#elif defined(STILLVEC_NEON)
namespace neon {
extern const ProductKernels kF32Products;
}
namespace neon_bf16 {
extern const ProductKernels kBf16Products;
}
#endif

const ProductKernels& f32_products(Isa isa) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return avx512::kF32Products;
    case Isa::kAvx2: return avx2::kF32Products;
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return neon::kF32Products;
#endif
    default: return scalar::kF32Products;
  }
}

const ProductKernels& bf16_products(Bf16Unit unit) {
  switch (unit) {
#if defined(STILLVEC_X86)
    case Bf16Unit::kAvx512: return avx512_bf16::kBf16Products;
    case Bf16Unit::kAmx: return amx::kBf16Products;
#elif defined(STILLVEC_NEON)
    case Bf16Unit::kNeon: return neon_bf16::kBf16Products;
#endif
    default: return scalar::kBf16Products;
  }
}

bool bf16_supported(Bf16Unit unit) {
  switch (unit) {
    case Bf16Unit::kScalar: return true;
    case Bf16Unit::kAvx512: return cpu().avx512_bf16;
    case Bf16Unit::kAmx: return isa_supported(Isa::kAmx);
    case Bf16Unit::kNeon: return cpu().neon_bf16;
  }
  return false;
}

const ProductKernels& f32_products() { return f32_products(cpu().active); }

const ProductKernels& bf16_products() {
  if (cpu().active == Isa::kAmx) return bf16_products(Bf16Unit::kAmx);
  if (cpu().neon_bf16) return bf16_products(Bf16Unit::kNeon);
  if (cpu().avx512_bf16) return bf16_products(Bf16Unit::kAvx512);
  return f32_products();
}

namespace {

// The most source values that one block covers.
constexpr std::size_t kMostValues = kBlockRows * kBlockUnits * 2;

// Packs a block of which only height x width source values exist.
void pack_edge(ProductKernels::PackBlock pack, const float* source, std::size_t stride, std::size_t height,
               std::size_t width, std::size_t full_width, std::uint32_t* packed) {
  float padded[kMostValues] = {};
  for (std::size_t r = 0; r < height; ++r) {
    std::memcpy(padded + r * full_width, source + r * stride, width * sizeof(float));
  }
  pack(padded, full_width, packed);
}

void pack_rows(ProductKernels::PackBlock pack, std::size_t block_values, const float* source, std::size_t stride,
               std::size_t rows, std::size_t k, std::uint32_t* packed, std::size_t k_step) {
  for (std::size_t begin = 0; begin < k; begin += block_values, packed += k_step) {
    const std::size_t width = std::min(block_values, k - begin);
    if (rows == kBlockRows && width == block_values) {
      pack(source + begin, stride, packed);
    } else {
      pack_edge(pack, source + begin, stride, rows, width, block_values, packed);
    }
  }
}

void pack_columns(ProductKernels::PackBlock pack, std::size_t block_values, const float* source, std::size_t stride,
                  std::size_t rows, std::size_t k, std::uint32_t* packed, std::size_t k_step) {
  for (std::size_t begin = 0; begin < k; begin += block_values, packed += k_step) {
    const std::size_t height = std::min(block_values, k - begin);
    if (rows == kBlockRows && height == block_values) {
      pack(source + begin * stride, stride, packed);
    } else {
      pack_edge(pack, source + begin * stride, stride, height, rows, kBlockRows, packed);
    }
  }
}

// Panels that are packed into may lie far apart and out of cache: their lines are asked for this many panels early.
constexpr std::size_t kAhead = 2;

// A panel is two blocks wide; one that the matrix does not reach is zero.
void clear_half_panel(std::uint32_t* half, std::size_t k_blocks) {
  for (std::size_t u = 0; u < k_blocks * kBlockUnits; ++u) {
    std::memset(half + u * kPanelColumns, 0, kBlockRows * sizeof(std::uint32_t));
  }
}

}  // namespace

void pack_left_rows(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t rows,
                    std::size_t k, std::uint32_t* packed, std::size_t block_stride) {
  for (std::size_t r = 0; r < rows; r += kBlockRows, packed += block_stride) {
    pack_rows(kernels.left_rows, kBlockUnits * kernels.unit, source + r * stride, stride,
              std::min(kBlockRows, rows - r), k, packed, kBlockSize);
  }
}

void pack_left_columns(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t rows,
                       std::size_t k, std::uint32_t* packed, std::size_t block_stride) {
  for (std::size_t r = 0; r < rows; r += kBlockRows, packed += block_stride) {
    pack_columns(kernels.left_columns, kBlockUnits * kernels.unit, source + r, stride, std::min(kBlockRows, rows - r),
                 k, packed, kBlockSize);
  }
}

void pack_right_rows(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t columns,
                     std::size_t k, std::uint32_t* packed, std::size_t panel_stride) {
  for (std::size_t c = 0; c < columns; c += kPanelColumns, packed += panel_stride) {
    for (std::size_t half : {std::size_t{0}, kBlockRows}) {
      if (c + half < columns) {
        pack_rows(kernels.right_rows, kBlockUnits * kernels.unit, source + (c + half) * stride, stride,
                  std::min(kBlockRows, columns - c - half), k, packed + half, kPanelBlock);
      } else {
        clear_half_panel(packed + half, blocks_for(k, kBlockUnits * kernels.unit));
      }
    }
  }
}

void pack_right_columns(const ProductKernels& kernels, const float* source, std::size_t stride, std::size_t columns,
                        std::size_t k, std::uint32_t* packed, std::size_t panel_stride) {
  for (std::size_t c = 0; c < columns; c += kPanelColumns, packed += panel_stride) {
    if (c + kAhead * kPanelColumns < columns)
      prefetch_for_write(packed + kAhead * panel_stride, k / kernels.unit * kPanelColumns * sizeof(std::uint32_t));
    for (std::size_t half : {std::size_t{0}, kBlockRows}) {
      if (c + half < columns) {
        pack_columns(kernels.right_columns, kBlockUnits * kernels.unit, source + c + half, stride,
                     std::min(kBlockRows, columns - c - half), k, packed + half, kPanelBlock);
      } else {
        clear_half_panel(packed + half, blocks_for(k, kBlockUnits * kernels.unit));
      }
    }
  }
}

void multiply_panels(const ProductKernels& kernels, const std::uint32_t* left, std::size_t left_stride,
                     std::size_t row_blocks, const std::uint32_t* right, std::size_t panel_stride, std::size_t panels,
                     std::size_t k_blocks, const float* addend, float* out, std::size_t out_stride) {
  for (std::size_t k = 0; k < k_blocks; k += kernels.depth) {
    const std::size_t depth = std::min(kernels.depth, k_blocks - k);
    for (std::size_t panel = 0; panel < panels; ++panel) {
      const std::uint32_t* current = right + panel * panel_stride + k * kPanelBlock;
      const bool is_last = panel + 1 == panels;
      const std::uint32_t* next = !is_last               ? current + panel_stride
                                  : k + depth < k_blocks ? right + (k + depth) * kPanelBlock
                                                         : current;
      float* sums = out + panel * kPanelColumns;
      const float* before = k > 0 ? sums : addend == nullptr ? nullptr : addend + panel * kPanelColumns;
      kernels.multiply(left + k * kBlockSize, left_stride, row_blocks, current, next, depth, before, sums, out_stride);
    }
  }
}

}  // namespace stillvec::kernels
