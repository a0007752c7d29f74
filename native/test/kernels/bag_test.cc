#include "kernels/bag/bag.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/half.h"
#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

enum class Format { kF32, kF16, kBf16, kI8 };
constexpr Format kFormats[] = {Format::kF32, Format::kF16, Format::kBf16, Format::kI8};

std::size_t size_of(Format format) { return format == Format::kF32 ? 4 : format == Format::kI8 ? 1 : 2; }

SumRows kernel_of(const BagKernels& kernels, Format format) {
  switch (format) {
    case Format::kF32: return kernels.sum_f32;
    case Format::kF16: return kernels.sum_f16;
    case Format::kBf16: return kernels.sum_bf16;
    case Format::kI8: return kernels.sum_i8;
  }
  return nullptr;
}

// A random table whose values begin one element behind an aligned address.
struct Table {
  Table(Format format, std::size_t rows, std::size_t dim, std::mt19937& random)
      : bytes(rows * dim * size_of(format) + size_of(format)), scales(rows), exact(rows * dim) {
    std::normal_distribution<float> normal;
    for (float& scale : scales) scale = std::abs(normal(random)) + 0.01f;
    std::byte* values = bytes.data() + size_of(format);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const float x = normal(random);
      if (format == Format::kF32) {
        std::memcpy(values + 4 * i, &x, 4);
        exact[i] = x;
      } else if (format == Format::kI8) {
        const auto q = static_cast<std::int8_t>(std::lround(x * 30.0f));
        std::memcpy(values + i, &q, 1);
        exact[i] = static_cast<double>(q) * scales[i / dim];
      } else {
        const std::uint16_t half = format == Format::kF16 ? f32_to_f16(x) : f32_to_bf16(x);
        std::memcpy(values + 2 * i, &half, 2);
        exact[i] = format == Format::kF16 ? f16_to_f32(half) : bf16_to_f32(half);
      }
    }
    view = {values, format == Format::kI8 ? scales.data() : nullptr, dim};
  }

  std::vector<std::byte> bytes;
  std::vector<float> scales;
  std::vector<double> exact;
  TableView view;
};

constexpr std::size_t kRows = 50;
constexpr std::size_t kDims[] = {1, 3, 7, 8, 15, 16, 17, 31, 64, 65, 100, 256, 300, 323, 512, 1024, 1039};
constexpr std::size_t kCounts[] = {0, 1, 2, 5, 15, 16, 17, 32, 33, 100};

// Weights as they are of counts: one, other whole numbers, and roots.
std::vector<WeightedRow> random_rows(std::size_t count, std::mt19937& random) {
  std::vector<WeightedRow> rows(count);
  for (WeightedRow& row : rows) {
    const auto n = static_cast<float>(1 + random() % 4);
    row = {static_cast<std::uint32_t>(random() % kRows), random() % 2 == 0 ? n : std::sqrt(n)};
  }
  return rows;
}

TEST(Bag, ScalarIsTheWeightedSumOfTheRows) {
  std::mt19937 random(1);
  for (Format format : kFormats) {
    const std::size_t dim = 37;
    const Table table(format, kRows, dim, random);
    for (std::size_t count : kCounts) {
      const std::vector<WeightedRow> rows = random_rows(count, random);
      std::vector<float> out(dim, -1.0f);
      kernel_of(bag_kernels(Isa::kScalar), format)(table.view, {rows.data(), count, nullptr, 0}, 0.3f, dim, out.data());
      for (std::size_t c = 0; c < dim; ++c) {
        double sum = 0.0, magnitude = 0.0;
        for (const WeightedRow& row : rows) {
          const double term = static_cast<double>(row.weight) * table.exact[row.row * dim + c];
          sum += term;
          magnitude += std::abs(term);
        }
        EXPECT_NEAR(out[c], 0.3f * sum, 3e-7 * magnitude);
      }
    }
  }
}

TEST(Bag, ScalarReadsWholeWords) {
  const std::uint64_t words[] = {1, 20, 300, 4000, 50000, 600000};
  const WeightedRow rows[] = {{1, 1.0f}, {1, 2.0f}, {0, 1.0f}};
  EXPECT_EQ(bag_kernels(Isa::kScalar).read_rows(words, 24, 19, {rows, 3, nullptr, 0}),
            1u + 20u + 2u * (4000u + 50000u));
}

class BagIsa : public test::IsaTest {};
INSTANTIATE_TEST_SUITE_P(Simd, BagIsa, test::kSimdIsas, test::name_of_isa);

TEST_P(BagIsa, GivesTheBitsOfScalar) {
  std::mt19937 random(2);
  for (Format format : kFormats) {
    const SumRows reference = kernel_of(bag_kernels(Isa::kScalar), format);
    const SumRows kernel = kernel_of(bag_kernels(GetParam()), format);
    for (std::size_t dim : kDims) {
      const Table table(format, kRows, dim, random);
      for (std::size_t count : kCounts) {
        const std::vector<WeightedRow> rows = random_rows(count, random), next = random_rows(random() % 20, random);
        const Bag bag = {rows.data(), count, next.data(), next.size()};
        const float factor = count == 0 ? 0.0f : 1.0f / static_cast<float>(count);
        const std::size_t columns = random() % 3 == 0 ? dim : 1 + random() % dim;
        std::vector<float> expected(columns), actual(columns + 2, 7.0f);
        reference(table.view, bag, factor, columns, expected.data());
        kernel(table.view, bag, factor, columns, actual.data() + 1);
        ASSERT_EQ(std::memcmp(expected.data(), actual.data() + 1, columns * sizeof(float)), 0)
            << "dim " << dim << ", columns " << columns << ", count " << count;
        ASSERT_EQ(actual.front(), 7.0f);
        ASSERT_EQ(actual.back(), 7.0f) << "wrote beyond column " << columns;
      }
    }
  }
}

TEST_P(BagIsa, ReadsTheRowsThatScalarReads) {
  std::mt19937 random(4);
  std::vector<std::uint8_t> bytes(kRows * 700 + 1);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  for (std::size_t length : {0, 7, 8, 15, 16, 24, 40, 64, 72, 500, 512, 699}) {
    for (std::size_t count : kCounts) {
      const std::vector<WeightedRow> rows = random_rows(count, random), next = random_rows(5, random);
      const Bag bag = {rows.data(), count, next.data(), next.size()};
      EXPECT_EQ(bag_kernels(GetParam()).read_rows(bytes.data() + 1, 700, length, bag),
                bag_kernels(Isa::kScalar).read_rows(bytes.data() + 1, 700, length, bag));
    }
  }
}

TEST_P(BagIsa, ReadsEveryHalfFloatAsScalarDoes) {
  constexpr std::size_t kAll = 1u << 16;
  std::vector<std::uint16_t> halves(kAll);
  for (std::size_t i = 0; i < kAll; ++i) halves[i] = static_cast<std::uint16_t>(i);
  const WeightedRow row = {0, 1.0f};
  const Bag bag = {&row, 1, nullptr, 0};
  const TableView table = {halves.data(), nullptr, kAll};
  for (Format format : {Format::kF16, Format::kBf16}) {
    std::vector<float> expected(kAll), actual(kAll);
    kernel_of(bag_kernels(Isa::kScalar), format)(table, bag, 1.0f, kAll, expected.data());
    kernel_of(bag_kernels(GetParam()), format)(table, bag, 1.0f, kAll, actual.data());
    for (std::size_t i = 0; i < kAll; ++i) {
      if (std::isnan(expected[i])) {
        ASSERT_TRUE(std::isnan(actual[i])) << i;
      } else {
        ASSERT_EQ(expected[i], actual[i]) << i;
      }
    }
  }
}

TEST(Half, RoundsToNearestEvenAndBack) {
  for (std::uint32_t i = 0; i < (1u << 16); ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float half = f16_to_f32(bits), brain = bf16_to_f32(bits);
    if (std::isnan(half)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(half))));
    } else {
      EXPECT_EQ(f32_to_f16(half), bits);
    }
    if (std::isnan(brain)) {
      EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(brain))));
    } else {
      EXPECT_EQ(f32_to_bf16(brain), bits);
    }
    // Half way to the next one up: the even of the two wins.
    const bool last_finite = (bits & 0x7fffu) >= 0x7bffu;
    if (!last_finite) {
      const auto next = static_cast<std::uint16_t>(bits + 1);
      const float middle = (half + f16_to_f32(next)) / 2.0f;
      EXPECT_EQ(f32_to_f16(middle), bits % 2 == 0 ? bits : next);
      EXPECT_EQ(f32_to_f16(std::nextafter(middle, half)), bits);
      EXPECT_EQ(f32_to_f16(std::nextafter(middle, f16_to_f32(next))), next);
    }
  }
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(1e30f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e30f), 0xfc00);
  EXPECT_EQ(f32_to_bf16(1.00390625f), 0x3f80);  // 1 + 2^-8, half way: even is 1
  EXPECT_EQ(f32_to_bf16(1.01171875f), 0x3f82);  // 1 + 3 * 2^-8
}

}  // namespace
}  // namespace stillvec::kernels
