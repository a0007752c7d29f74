#include "model/quantizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "runtime/thread_pool.h"

namespace stillvec::model {
namespace {

TEST(Quantizer, RangesDoNotDependOnTheSplit) {
  const std::size_t rows = 123, columns = 37;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * columns);
  for (float& x : values) x = normal(random);

  ColumnRanges whole(columns), first(columns), second(columns);
  whole.extend(values.data(), rows);
  first.extend(values.data() + 40 * columns, rows - 40);
  second.extend(values.data(), 40);
  first.extend(second);
  for (std::size_t c = 0; c < columns; ++c) {
    float min = values[c], max = values[c];
    for (std::size_t r = 0; r < rows; ++r) {
      min = std::min(min, values[r * columns + c]);
      max = std::max(max, values[r * columns + c]);
    }
    EXPECT_EQ(whole.min()[c], min);
    EXPECT_EQ(whole.max()[c], max);
    EXPECT_EQ(first.min()[c], min);
    EXPECT_EQ(first.max()[c], max);
  }
}

TEST(Quantizer, CutsEachRangeIntoSteps) {
  const std::size_t columns = 3;
  // A wide column, one of a single value, and one that leaves its range.
  const std::vector<float> min = {-2.0f, 0.5f, 0.0f}, max = {2.0f, 0.5f, 1.0f};
  const std::vector<float> rows = {-2.0f, 0.5f, -0.1f, 2.0f, 0.5f, 1.5f, 0.0f, 0.5f, 0.5f};
  const Quantizer quantizer(min, max);
  std::vector<std::byte> out(9);
  quantizer.quantize(rows.data(), 0, 3, QuantizedDtype::kUint8, out.data());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float range = (max[i % columns] - min[i % columns]) / 255.0f, step = range == 0.0f ? 1.0f : range;
    const float q = std::clamp(std::floor((rows[i] - min[i % columns]) / step), 0.0f, 255.0f);
    EXPECT_EQ(std::to_integer<int>(out[i]), static_cast<int>(q)) << i;
  }
  std::vector<std::byte> as_int8(9);
  quantizer.quantize(rows.data(), 0, 3, QuantizedDtype::kInt8, as_int8.data());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(static_cast<std::int8_t>(as_int8[i]), std::to_integer<int>(out[i]) - 128);
  }
}

TEST(Quantizer, WritesOnlyTheRowsAskedFor) {
  const std::vector<float> min(5, 0.0f), max(5, 1.0f), rows(20, 1.0f);
  std::vector<std::byte> out(20, std::byte{7});
  Quantizer(min, max).quantize(rows.data(), 1, 3, QuantizedDtype::kUint8, out.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(std::to_integer<int>(out[i]) == 7, i < 5 || i >= 15);
  }
}

TEST(Quantizer, WholeMatricesDoNotDependOnThreads) {
  ThreadPool one(1), three(3);
  const std::size_t rows = 1300, columns = 21;
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * columns);
  for (float& x : values) x = normal(random);
  ColumnRanges expected(columns);
  expected.extend(values.data(), rows);
  std::vector<std::byte> bytes[2], bits[2];
  for (int i = 0; i < 2; ++i) {
    ThreadPool& pool = i == 0 ? one : three;
    const ColumnRanges ranges = column_ranges(values.data(), rows, columns, pool);
    EXPECT_TRUE(std::ranges::equal(ranges.min(), expected.min()));
    EXPECT_TRUE(std::ranges::equal(ranges.max(), expected.max()));
    bytes[i].resize(rows * columns);
    const Quantizer quantizer(ranges.min(), ranges.max());
    quantize_rows(values.data(), rows, quantizer, QuantizedDtype::kInt8, pool, bytes[i].data());
    bits[i].resize(rows * 3);
    pack_sign_rows(values.data(), rows, columns, 0, pool, bits[i].data());
  }
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_EQ(bits[0], bits[1]);
  for (std::size_t i = 0; i < rows * columns; ++i) {
    const std::size_t r = i / columns, c = i % columns;
    EXPECT_EQ((std::to_integer<unsigned>(bits[0][r * 3 + c / 8]) >> (7 - c % 8) & 1u) != 0, values[i] > 0.0f);
  }
}

}  // namespace
}  // namespace stillvec::model
