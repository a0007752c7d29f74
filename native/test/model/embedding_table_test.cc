#include "model/embedding_table.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/half.h"
#include "runtime/thread_pool.h"
#include "test/temporary_file.h"

namespace stillvec::model {
namespace {

using TableResult = Result<std::shared_ptr<const EmbeddingTable>>;

constexpr std::size_t kRows = 7, kDim = 5;

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& x : values) x = normal(random);
  return values;
}

std::vector<float> all_values(const EmbeddingTable& table) {
  std::vector<float> values(table.rows() * table.dim());
  table.read_f32(0, table.rows(), values.data());
  return values;
}

// `values` as they lie in a file of `dtype`, behind `offset` bytes.
std::vector<std::byte> file_of(const std::vector<float>& values, FileDtype dtype, std::size_t offset) {
  std::vector<std::byte> bytes(offset, std::byte{0xcd});
  const auto append = [&](const auto& value) {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), begin, begin + sizeof value);
  };
  for (float x : values) {
    switch (dtype) {
      case FileDtype::kF64: append(static_cast<double>(x)); break;
      case FileDtype::kF32: append(x); break;
      case FileDtype::kF16: append(kernels::f32_to_f16(x)); break;
      case FileDtype::kBf16: append(kernels::f32_to_bf16(x)); break;
      case FileDtype::kI8: append(static_cast<std::int8_t>(std::lround(x * 20.0f))); break;
    }
  }
  return bytes;
}

float as_read(float x, FileDtype dtype) {
  switch (dtype) {
    case FileDtype::kF16: return kernels::f16_to_f32(kernels::f32_to_f16(x));
    case FileDtype::kBf16: return kernels::bf16_to_f32(kernels::f32_to_bf16(x));
    case FileDtype::kI8: return static_cast<float>(std::lround(x * 20.0f));
    default: return x;
  }
}

TEST(EmbeddingTable, LoadsEveryDtypeAtEveryAlignment) {
  const std::vector<float> values = random_values(kRows * kDim, 1);
  for (FileDtype dtype : {FileDtype::kF64, FileDtype::kF32, FileDtype::kF16, FileDtype::kBf16, FileDtype::kI8}) {
    for (std::size_t offset : {0u, 1u, 2u, 3u, 4u, 5u, 8u, 64u, 4095u, 4096u, 5000u}) {
      const test::TemporaryFile file(file_of(values, dtype, offset));
      TableResult table = EmbeddingTable::load(file.path(), offset, dtype, kRows, kDim);
      ASSERT_TRUE(table.is_ok()) << table.status().message;
      ASSERT_EQ(table.value()->rows(), kRows);
      ASSERT_EQ(table.value()->dim(), kDim);
      std::vector<float> expected;
      for (float x : values) expected.push_back(as_read(x, dtype));
      EXPECT_EQ(all_values(*table.value()), expected) << "offset " << offset;
#if !defined(_WIN32)
      const std::size_t size = dtype_size(table.value()->dtype());
      EXPECT_EQ(table.value()->is_mapped(), dtype != FileDtype::kF64 && offset % size == 0);
#endif
    }
  }
}

TEST(EmbeddingTable, AMappingOutlivesItsFile) {
  const std::vector<float> values = random_values(kRows * kDim, 2);
  auto file = std::make_unique<test::TemporaryFile>(file_of(values, FileDtype::kF32, 16));
  TableResult table = EmbeddingTable::load(file->path(), 16, FileDtype::kF32, kRows, kDim);
  ASSERT_TRUE(table.is_ok());
  file.reset();
  EXPECT_EQ(all_values(*table.value()), values);
}

TEST(EmbeddingTable, LoadsInt8WithScales) {
  const std::vector<float> values = random_values(kRows * kDim, 3);
  std::vector<std::byte> bytes = file_of(values, FileDtype::kI8, 3);
  const std::size_t scales_offset = bytes.size();
  const std::vector<float> scales = random_values(kRows, 4);
  const std::vector<std::byte> scale_bytes = file_of(scales, FileDtype::kF32, 0);
  bytes.insert(bytes.end(), scale_bytes.begin(), scale_bytes.end());
  const test::TemporaryFile file(bytes);

  TableResult table = EmbeddingTable::load_i8(file.path(), 3, scales_offset, kRows, kDim);
  ASSERT_TRUE(table.is_ok()) << table.status().message;
  const std::vector<float> read = all_values(*table.value());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(read[i], as_read(values[i], FileDtype::kI8) * scales[i / kDim]);
  }
  EXPECT_EQ(EmbeddingTable::load_i8(file.path(), 3, scales_offset + 1, kRows, kDim).status().code, Code::kCorrupt);
}

TEST(EmbeddingTable, RefusesATensorOutsideItsFile) {
  const test::TemporaryFile file(file_of(random_values(kRows * kDim, 5), FileDtype::kF32, 0));
  const std::size_t size = kRows * kDim * 4;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (std::uint64_t offset : {std::uint64_t{1}, std::uint64_t{4}, std::uint64_t{size}, kMost - 3, kMost}) {
    const TableResult table = EmbeddingTable::load(file.path(), offset, FileDtype::kF32, kRows, kDim);
    ASSERT_FALSE(table.is_ok()) << offset;
    EXPECT_EQ(table.status().code, Code::kCorrupt);
    EXPECT_NE(table.status().message.find(file.path()), std::string::npos);
  }
  EXPECT_EQ(EmbeddingTable::load(file.path(), 0, FileDtype::kF32, kRows + 1, kDim).status().code, Code::kCorrupt);
}

TEST(EmbeddingTable, RefusesWhatCannotBeAddressed) {
  const test::TemporaryFile file(file_of({1.0f}, FileDtype::kF32, 0));
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(EmbeddingTable::load(file.path(), 0, FileDtype::kF32, kMost, 2).status().code, Code::kInvalidArgument);
  EXPECT_EQ(EmbeddingTable::load(file.path(), 0, FileDtype::kF32, kMost / 2, 1).status().code, Code::kInvalidArgument);
  EXPECT_EQ(EmbeddingTable::random(kMost / 4, 2, 1).status().code, Code::kInvalidArgument);
}

TEST(EmbeddingTable, SaysWhichFileIsMissing) {
  const std::string path = ::testing::TempDir() + "no-such-file";
  const TableResult missing = EmbeddingTable::load(path, 0, FileDtype::kF32, 1, 1);
  ASSERT_FALSE(missing.is_ok());
  EXPECT_EQ(missing.status().code, Code::kIo);
  EXPECT_NE(missing.status().message.find(path), std::string::npos);
  EXPECT_EQ(EmbeddingTable::load(::testing::TempDir(), 0, FileDtype::kF32, 1, 1).status().code, Code::kIo);
}

TEST(EmbeddingTable, MayBeEmpty) {
  const test::TemporaryFile file({});
  for (FileDtype dtype : {FileDtype::kF64, FileDtype::kF32, FileDtype::kI8}) {
    TableResult table = EmbeddingTable::load(file.path(), 0, dtype, 0, kDim);
    ASSERT_TRUE(table.is_ok());
    EXPECT_EQ(table.value()->bytes(), 0u);
  }
}

TEST(EmbeddingTable, ConvertsAndKeepsItsValues) {
  ThreadPool pool(3);
  const std::size_t rows = 700, dim = 1030;
  const std::vector<float> values = random_values(rows * dim, 6);
  TableResult f32 =
      EmbeddingTable::from_f32(rows, dim, [&](float* out) { std::copy(values.begin(), values.end(), out); });
  ASSERT_TRUE(f32.is_ok());
  EXPECT_EQ(all_values(*f32.value()), values);
  for (Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16, Dtype::kI8}) {
    TableResult table = f32.value()->convert(dtype, pool);
    ASSERT_TRUE(table.is_ok());
    EXPECT_EQ(table.value()->dtype(), dtype);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(table.value()->data()) % 64, 0u);
    EXPECT_EQ(table.value()->scales() != nullptr, dtype == Dtype::kI8);
    const std::vector<float> read = all_values(*table.value());
    for (std::size_t r = 0; r < rows; ++r) {
      float greatest = 0.0f;
      for (std::size_t c = 0; c < dim; ++c) greatest = std::max(greatest, std::abs(values[r * dim + c]));
      for (std::size_t c = 0; c < dim; ++c) {
        const float x = values[r * dim + c], y = read[r * dim + c];
        switch (dtype) {
          case Dtype::kF32: ASSERT_EQ(y, x); break;
          case Dtype::kF16: ASSERT_EQ(y, as_read(x, FileDtype::kF16)); break;
          case Dtype::kBf16: ASSERT_EQ(y, as_read(x, FileDtype::kBf16)); break;
          case Dtype::kI8:
            ASSERT_LE(std::abs(y - x), greatest / 127.0f * 0.501f);
            if (std::abs(x) == greatest) {
              ASSERT_NEAR(y, x, 1e-6f * greatest);
            }
            break;
        }
      }
    }
    // What has been rounded once converts again without a change.
    TableResult again = table.value()->convert(dtype, pool);
    ASSERT_TRUE(again.is_ok());
    EXPECT_EQ(all_values(*again.value()), read);
    if (dtype != Dtype::kI8) {
      TableResult widened = table.value()->convert(Dtype::kF32, pool);
      ASSERT_TRUE(widened.is_ok());
      EXPECT_EQ(all_values(*widened.value()), read);
    }
  }
}

TEST(EmbeddingTable, ConvertsARowOfZerosToInt8) {
  ThreadPool pool(1);
  TableResult zeros = EmbeddingTable::from_f32(2, 3, [](float* out) { std::fill_n(out, 6, 0.0f); });
  TableResult table = zeros.value()->convert(Dtype::kI8, pool);
  ASSERT_TRUE(table.is_ok());
  EXPECT_EQ(all_values(*table.value()), std::vector<float>(6, 0.0f));
}

TEST(EmbeddingTable, RandomValuesAreNormal) {
  const std::size_t rows = 2000, dim = 512;
  TableResult table = EmbeddingTable::random(rows, dim, 12);
  ASSERT_TRUE(table.is_ok());
  const std::vector<float> values = all_values(*table.value());
  const double n = static_cast<double>(values.size());
  double mean = 0.0, square = 0.0, cube = 0.0, fourth = 0.0, neighbours = 0.0, below[3] = {};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    ASSERT_TRUE(std::isfinite(x));
    mean += x / n;
    square += x * x / n;
    cube += x * x * x / n;
    fourth += x * x * x * x / n;
    if (i + 1 < values.size()) neighbours += x * values[i + 1] / n;
    below[0] += (x < -1.0) / n;
    below[1] += (x < 0.5) / n;
    below[2] += (std::abs(x) > 3.0) / n;
  }
  // Five standard errors of each.
  const double e = 5.0 / std::sqrt(n);
  EXPECT_NEAR(mean, 0.0, e);
  EXPECT_NEAR(square, 1.0, e * std::sqrt(2.0));
  EXPECT_NEAR(cube, 0.0, e * std::sqrt(15.0));
  EXPECT_NEAR(fourth, 3.0, e * std::sqrt(96.0));
  EXPECT_NEAR(neighbours, 0.0, e);
  EXPECT_NEAR(below[0], 0.158655254, e * 0.365);
  EXPECT_NEAR(below[1], 0.691462461, e * 0.462);
  EXPECT_NEAR(below[2], 0.002699796, e * 0.052);
}

TEST(EmbeddingTable, RandomValuesDependOnTheSeedAlone) {
  const std::size_t rows = 1001, dim = 301;  // an odd number of values, in more than one chunk
  ThreadPool one(1), three(3);
  TableResult serial = EmbeddingTable::random(rows, dim, 7);
  TableResult parallel = EmbeddingTable::random(rows, dim, 7, &three);
  TableResult other_seed = EmbeddingTable::random(rows, dim, 8, &one);
  const std::vector<float> values = all_values(*serial.value());
  EXPECT_EQ(all_values(*parallel.value()), values);
  EXPECT_NE(all_values(*other_seed.value()), values);
  // Pinned: a saved seed must give the same model on every machine and in every version.
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (float x : values) hash = (hash ^ std::bit_cast<std::uint32_t>(x)) * 0x100000001b3ull;
  EXPECT_EQ(hash, 17275037969796044409ull);
}

TEST(EmbeddingTable, ScalesRowsOfAnyDtype) {
  const std::size_t rows = 301, dim = 33;
  ThreadPool pool(3);
  TableResult table = EmbeddingTable::random(rows, dim, 9);
  const std::vector<float> factors = random_values(rows, 8);
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16, Dtype::kI8}) {
    TableResult given = table.value()->convert(dtype, pool);
    std::vector<float> expected = all_values(*given.value());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] *= factors[i / dim];
    TableResult scaled = given.value()->scale_rows(factors, pool);
    EXPECT_EQ(scaled.value()->dtype(), Dtype::kF32);
    EXPECT_EQ(all_values(*scaled.value()), expected);
  }
  EXPECT_EQ(table.value()->scale_rows(std::span(factors).first(rows - 1), pool).status().code, Code::kInvalidArgument);
}

TEST(EmbeddingTable, GatherRows) {
  ThreadPool pool(2);
  const auto table = EmbeddingTable::random(5, 3, 1);
  const std::vector<float> values = all_values(*table.value());
  const std::vector<std::uint32_t> rows = {4, 0, 4};
  const std::vector<float> factors = {1.0f, 2.0f, -0.5f};
  std::vector<float> expected;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) expected.push_back(values[rows[i] * 3 + c] * factors[i]);
  }
  EXPECT_EQ(all_values(*table.value()->gather_rows(rows, factors, pool).value()), expected);
  const std::vector<std::uint32_t> beyond = {0, 5, 1};
  EXPECT_EQ(table.value()->gather_rows(beyond, factors, pool).status().code, Code::kOutOfRange);
  EXPECT_EQ(table.value()->gather_rows(rows, std::span(factors).first(2), pool).status().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace stillvec::model
