#include "kernels/quantized/quantized.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

constexpr std::size_t kLengths[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 129, 1024, 1039};

TEST(Quantized, ScalarSumsAreWhatTheirNamesSay) {
  const std::int8_t x[] = {-128, 127, 3}, y[] = {-128, -128, 5};
  const std::int8_t* const left[4] = {x, x, y, y};
  const std::int8_t* const right[4] = {x, y, x, y};
  std::int32_t out[16];
  quantized_kernels(Isa::kScalar).dot_tile(left, right, 3, out);
  const std::int32_t xx = 16384 + 16129 + 9, xy = 16384 - 16256 + 15, yy = 16384 + 16384 + 25;
  EXPECT_EQ(std::vector<std::int32_t>(out, out + 16),
            (std::vector<std::int32_t>{xx, xy, xx, xy, xx, xy, xx, xy, xy, yy, xy, yy, xy, yy, xy, yy}));

  const std::uint8_t p[] = {0xff, 0x01}, q[] = {0x00, 0x03};
  const std::uint8_t* const bits[4] = {p, q, p, q};
  quantized_kernels(Isa::kScalar).hamming_tile(bits, bits, 2, out);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(out[i], i / 4 % 2 == i % 2 ? 0 : 9);
}

class QuantizedIsa : public test::IsaTest {
 protected:
  const QuantizedKernels& kernels() const { return quantized_kernels(GetParam()); }
  const QuantizedKernels& scalar_ = quantized_kernels(Isa::kScalar);
  std::mt19937 random_{7};
};

INSTANTIATE_TEST_SUITE_P(Quantized, QuantizedIsa, test::kSimdIsas, test::name_of_isa);

// Eight rows of n bytes, each of which begins one byte further from an aligned address.
template <typename Byte, typename Kernel, typename Fill>
void expect_same(Kernel kernel, Kernel reference, std::size_t n, Fill fill) {
  std::vector<Byte> bytes(8 * (n + 1) + 1);
  for (Byte& byte : bytes) byte = static_cast<Byte>(fill());
  const Byte *a[4], *b[4];
  for (std::size_t i = 0; i < 4; ++i) {
    a[i] = bytes.data() + 1 + i * (n + 1);
    b[i] = bytes.data() + 1 + (4 + i) * (n + 1);
  }
  b[3] = b[2];
  std::int32_t expected[16], actual[16];
  reference(a, b, n, expected);
  kernel(a, b, n, actual);
  EXPECT_TRUE(std::equal(expected, expected + 16, actual)) << n;
}

TEST_P(QuantizedIsa, DotTile) {
  for (std::size_t n : kLengths) expect_same<std::int8_t>(kernels().dot_tile, scalar_.dot_tile, n, random_);
}

TEST_P(QuantizedIsa, HammingTile) {
  for (std::size_t n : kLengths) expect_same<std::uint8_t>(kernels().hamming_tile, scalar_.hamming_tile, n, random_);
}

TEST_P(QuantizedIsa, SumsOfTheLongestRowsDoNotOverflow) {
  const auto least = [] { return -128; };
  expect_same<std::int8_t>(kernels().dot_tile, scalar_.dot_tile, kMostQuantized, least);
  const auto all = [ones = 0u]() mutable { return ++ones / (kMostQuantized + 1) < 4 ? 0xff : 0; };
  expect_same<std::uint8_t>(kernels().hamming_tile, scalar_.hamming_tile, kMostQuantized, all);
}

}  // namespace
}  // namespace stillvec::kernels
