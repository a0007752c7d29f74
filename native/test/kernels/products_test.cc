#include "kernels/products/products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

// AMX in plain C++: the tiles' arithmetic as the instructions define it, summed in f32.
namespace emulated {

struct Tiles {
  float sums[2][2][16][16];
  std::uint32_t left[2][16][16], right[2][16][16];

  template <int i, int j>
  void clear_sums() {
    std::memset(sums[i][j], 0, sizeof sums[i][j]);
  }
  template <int i, int j>
  void load_sums(const float* from, std::size_t stride) {
    for (std::size_t r = 0; r < 16; ++r) std::memcpy(sums[i][j][r], from + r * stride, 64);
  }
  template <int i, int j>
  void store_sums(float* to, std::size_t stride) {
    for (std::size_t r = 0; r < 16; ++r) std::memcpy(to + r * stride, sums[i][j][r], 64);
  }
  template <int i>
  void load_left(const std::uint32_t* block) {
    for (std::size_t r = 0; r < 16; ++r) std::memcpy(left[i][r], block + r * kBlockUnits, 64);
  }
  template <int j>
  void load_right(const std::uint32_t* panel) {
    for (std::size_t r = 0; r < 16; ++r) std::memcpy(right[j][r], panel + r * kPanelColumns, 64);
  }
  template <int i, int j>
  void multiply_add() {
    const auto value = [](std::uint32_t upper_half) {
      float x;
      std::memcpy(&x, &upper_half, sizeof x);
      return x;
    };
    for (std::size_t r = 0; r < 16; ++r) {
      for (std::size_t k = 0; k < 16; ++k) {
        for (std::size_t c = 0; c < 16; ++c) {
          const std::uint32_t a = left[i][r][k], b = right[j][k][c];
          sums[i][j][r][c] += value(a << 16) * value(b << 16);
          sums[i][j][r][c] += value(a & 0xffff0000u) * value(b & 0xffff0000u);
        }
      }
    }
  }
  void prefetch_share(const std::uint32_t*, std::size_t, std::size_t) {}
};

#include "kernels/products/amx.inl"

const ProductKernels& products() {
  static const ProductKernels kernels = [] {
    ProductKernels scalar = bf16_products(Bf16Unit::kScalar);
    scalar.depth = 3;
    scalar.multiply = multiply<Tiles>;
    return scalar;
  }();
  return kernels;
}

}  // namespace emulated

std::vector<float> random_values(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

struct Size {
  std::size_t rows, columns, k;
};
constexpr Size kSizes[] = {{1, 1, 1},    {16, 32, 16}, {16, 32, 32},  {17, 33, 17},  {31, 16, 100},
                           {48, 70, 33}, {5, 64, 257}, {64, 31, 300}, {33, 100, 520}};

// Packs both operands both ways and multiplies: C = A B, with what stood in C added or not.
void expect_products(const ProductKernels& kernels, double tolerance) {
  std::mt19937 random(5);
  for (const Size& size : kSizes) {
    // One float of offset and odd strides: nothing is aligned.
    const std::size_t a_stride = size.k + 3, b_stride = size.columns + 5;
    const std::vector<float> a = random_values(size.rows * a_stride + 1, random);
    const std::vector<float> b = random_values(size.k * b_stride + 1, random);
    std::vector<float> a_turned(size.k * size.rows), b_turned(size.columns * size.k);
    for (std::size_t k = 0; k < size.k; ++k) {
      for (std::size_t r = 0; r < size.rows; ++r) a_turned[k * size.rows + r] = a[1 + r * a_stride + k];
      for (std::size_t c = 0; c < size.columns; ++c) b_turned[c * size.k + k] = b[1 + k * b_stride + c];
    }
    const std::size_t row_blocks = blocks_for(size.rows, kBlockRows), panels = blocks_for(size.columns, kPanelColumns);
    const std::size_t k_blocks = blocks_for(size.k, kBlockUnits * kernels.unit);
    std::vector<std::uint32_t> left(row_blocks * k_blocks * kBlockSize, 0xffffffffu), left_again = left;
    std::vector<std::uint32_t> right(panels * k_blocks * kPanelBlock, 0xffffffffu), right_again = right;
    pack_left_rows(kernels, a.data() + 1, a_stride, size.rows, size.k, left.data(), k_blocks * kBlockSize);
    pack_left_columns(kernels, a_turned.data(), size.rows, size.rows, size.k, left_again.data(), k_blocks * kBlockSize);
    pack_right_columns(kernels, b.data() + 1, b_stride, size.columns, size.k, right.data(), k_blocks * kPanelBlock);
    pack_right_rows(kernels, b_turned.data(), size.k, size.columns, size.k, right_again.data(), k_blocks * kPanelBlock);
    ASSERT_EQ(left, left_again);
    ASSERT_EQ(right, right_again);

    const std::size_t stride = panels * kPanelColumns + 7;
    for (bool add : {false, true}) {
      const std::vector<float> addend = random_values(row_blocks * kBlockRows * stride, random);
      std::vector<float> out(addend.size(), -1.0f);
      multiply_panels(kernels, left.data(), k_blocks * kBlockSize, row_blocks, right.data(), k_blocks * kPanelBlock,
                      panels, k_blocks, add ? addend.data() : nullptr, out.data(), stride);
      for (std::size_t r = 0; r < row_blocks * kBlockRows; ++r) {
        for (std::size_t c = 0; c < panels * kPanelColumns; ++c) {
          double sum = add ? static_cast<double>(addend[r * stride + c]) : 0.0, size_of_sum = 1.0;
          for (std::size_t k = 0; r < size.rows && c < size.columns && k < size.k; ++k) {
            const double term =
                static_cast<double>(a[1 + r * a_stride + k]) * static_cast<double>(b[1 + k * b_stride + c]);
            sum += term;
            size_of_sum += std::abs(term);
          }
          ASSERT_NEAR(static_cast<double>(out[r * stride + c]), sum, tolerance * size_of_sum)
              << size.rows << " x " << size.columns << " x " << size.k << " at " << r << ", " << c;
        }
      }
      EXPECT_EQ(out[panels * kPanelColumns], -1.0f) << "wrote beyond the panels";
      // In place.
      std::vector<float> in_place = addend;
      multiply_panels(kernels, left.data(), k_blocks * kBlockSize, row_blocks, right.data(), k_blocks * kPanelBlock,
                      panels, k_blocks, add ? in_place.data() : nullptr, in_place.data(), stride);
      for (std::size_t r = 0; r < row_blocks * kBlockRows; ++r) {
        ASSERT_EQ(std::memcmp(&in_place[r * stride], &out[r * stride], panels * kPanelColumns * sizeof(float)), 0);
      }
    }
  }
}

constexpr double kF32Tolerance = 1e-6, kBf16Tolerance = 1.0 / 256;

// Packed operands must be the reference's, bit by bit.
void expect_packing_of(const ProductKernels& kernels, const ProductKernels& reference) {
  std::mt19937 random(6);
  const std::size_t stride = 41;
  std::vector<float> source = random_values(32 * stride, random);
  // Ties, which go to even, and values that round into the next power of two.
  const std::uint32_t odd_ones[] = {0x3f808000u, 0x3f818000u, 0x3f817fffu, 0x3f818001u,
                                    0x3fffffffu, 0x80000000u, 0x00000001u};
  std::memcpy(source.data() + 3, odd_ones, sizeof odd_ones);
  using Pack = ProductKernels::PackBlock ProductKernels::*;
  for (Pack pack : {&ProductKernels::left_rows, &ProductKernels::left_columns, &ProductKernels::right_rows,
                    &ProductKernels::right_columns}) {
    std::vector<std::uint32_t> packed(kPanelBlock, 7), expected(kPanelBlock, 7);
    (kernels.*pack)(source.data(), stride, packed.data());
    (reference.*pack)(source.data(), stride, expected.data());
    EXPECT_EQ(packed, expected);
  }
}

class ProductsIsa : public test::IsaTest {};

TEST_P(ProductsIsa, F32) {
  expect_packing_of(f32_products(GetParam()), f32_products(Isa::kScalar));
  expect_products(f32_products(GetParam()), kF32Tolerance);
}

INSTANTIATE_TEST_SUITE_P(Simd, ProductsIsa, testing::Values(Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512),
                         test::name_of_isa);

struct NamedUnit {
  Bf16Unit unit;
  const char* name;
};

class ProductsBf16 : public testing::TestWithParam<NamedUnit> {};

TEST_P(ProductsBf16, RoundsOperandsAndSumsInF32) {
  if (!bf16_supported(GetParam().unit)) GTEST_SKIP() << "this machine has no bf16 on " << GetParam().name;
  expect_packing_of(bf16_products(GetParam().unit), bf16_products(Bf16Unit::kScalar));
  expect_products(bf16_products(GetParam().unit), kBf16Tolerance);
}

INSTANTIATE_TEST_SUITE_P(Simd, ProductsBf16,
                         testing::Values(NamedUnit{Bf16Unit::kScalar, "scalar"}, NamedUnit{Bf16Unit::kNeon, "neon"},
                                         NamedUnit{Bf16Unit::kAvx512, "avx512"}, NamedUnit{Bf16Unit::kAmx, "amx"}),
                         [](const auto& unit) { return std::string(unit.param.name); });

TEST(ProductsAmx, TheKernelOnEmulatedTiles) { expect_products(emulated::products(), kBf16Tolerance); }

// Of values that bf16 holds, the products are those of f32: nothing but rounding the operands is lost.
TEST(ProductsBf16Units, AreExactOnExactValues) {
  std::mt19937 random(7);
  std::vector<float> a(48 * 160), b(64 * 160);
  for (float& value : a) value = static_cast<float>(static_cast<int>(random() % 17) - 8);
  for (float& value : b) value = static_cast<float>(static_cast<int>(random() % 17) - 8);
  const auto multiply = [&](const ProductKernels& kernels) {
    const std::size_t k_blocks = blocks_for(160, kBlockUnits * kernels.unit);
    std::vector<std::uint32_t> left(3 * k_blocks * kBlockSize), right(2 * k_blocks * kPanelBlock);
    pack_left_rows(kernels, a.data(), 160, 48, 160, left.data(), k_blocks * kBlockSize);
    pack_right_rows(kernels, b.data(), 160, 64, 160, right.data(), k_blocks * kPanelBlock);
    std::vector<float> out(48 * 64);
    multiply_panels(kernels, left.data(), k_blocks * kBlockSize, 3, right.data(), k_blocks * kPanelBlock, 2, k_blocks,
                    nullptr, out.data(), 64);
    return out;
  };
  const std::vector<float> expected = multiply(f32_products(Isa::kScalar));
  EXPECT_EQ(multiply(emulated::products()), expected);
  for (Bf16Unit unit : {Bf16Unit::kScalar, Bf16Unit::kAvx512, Bf16Unit::kAmx, Bf16Unit::kNeon}) {
    if (!bf16_supported(unit)) continue;
    EXPECT_EQ(multiply(bf16_products(unit)), expected);
  }
}

}  // namespace
}  // namespace stillvec::kernels
