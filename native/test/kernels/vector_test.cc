#include "kernels/vector/vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

constexpr std::size_t kLengths[] = {0,  1,  2,  3,  4,  5,  7,  8,   9,   15,   16,
                                    17, 31, 32, 33, 63, 64, 65, 100, 256, 1024, 1039};

// Random values that begin one float behind an aligned address.
class Row {
 public:
  Row(std::size_t n, std::mt19937& random) : storage_(n + 1) {
    std::normal_distribution<float> normal;
    for (float& x : storage_) x = normal(random);
  }
  float* data() { return storage_.data() + 1; }
  const float* data() const { return storage_.data() + 1; }
  float& operator[](std::size_t i) { return storage_[i + 1]; }

 private:
  std::vector<float> storage_;
};

TEST(Vector, ScalarMeasuresAreTheirSums) {
  const float a[] = {1.0f, -2.0f, 3.0f}, b[] = {4.0f, 5.0f, -6.0f};
  const VectorKernels& scalar = vector_kernels(Isa::kScalar);
  EXPECT_EQ(scalar.dot(a, b, 3), 4.0f - 10.0f - 18.0f);
  EXPECT_EQ(scalar.squared_distance(a, b, 3), 9.0f + 49.0f + 81.0f);
  EXPECT_EQ(scalar.l1_distance(a, b, 3), 3.0f + 7.0f + 9.0f);
  EXPECT_EQ(scalar.dot(a, b, 0), 0.0f);
}

TEST(Vector, ScalarQuantizesAsNumpyDoes) {
  const float x[] = {-1.0f, 0.0f, 0.999f, 1.0f, 2.0f, 5.0f};
  const float min[] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 5.0f};
  const float step[] = {1.0f / 255.0f, 1.0f / 255.0f, 1.0f / 255.0f, 1.0f / 255.0f, 1.0f / 255.0f, 0.0f};
  std::uint8_t out[6];
  vector_kernels(Isa::kScalar).quantize(x, min, step, 6, 0, out);
  EXPECT_EQ(std::vector<int>(out, out + 6), (std::vector<int>{0, 0, 254, 254, 255, 0}));
  vector_kernels(Isa::kScalar).quantize(x, min, step, 6, 0x80, out);
  std::int8_t q[6];
  std::memcpy(q, out, 6);
  EXPECT_EQ(std::vector<int>(q, q + 6), (std::vector<int>{-128, -128, 126, 126, 127, -128}));
}

TEST(Vector, ScalarPacksTheFirstSignHighest) {
  const float x[] = {1, -1, 0, 2, 3, -0.0f, 1, 1, 5, -5, 5};
  std::uint8_t out[2];
  vector_kernels(Isa::kScalar).pack_signs(x, 11, 0, out);
  EXPECT_EQ(out[0], 0b10011011);
  EXPECT_EQ(out[1], 0b10100000);
  vector_kernels(Isa::kScalar).pack_signs(x, 11, 0x80, out);
  EXPECT_EQ(out[0], 0b00011011);
  EXPECT_EQ(out[1], 0b00100000);
}

class VectorIsa : public test::IsaTest {
 protected:
  const VectorKernels& scalar_ = vector_kernels(Isa::kScalar);
  const VectorKernels& kernels_ = vector_kernels(GetParam());
  std::mt19937 random_{3};
};
INSTANTIATE_TEST_SUITE_P(Simd, VectorIsa, test::kSimdIsas, test::name_of_isa);

TEST(Vector, ScalarSelectsWhatIsNotBelow) {
  const float x[] = {1.0f, -2.0f, std::nanf(""), 3.0f, 1.0f, -std::numeric_limits<float>::infinity()};
  std::uint32_t out[6];
  EXPECT_EQ(vector_kernels(Isa::kScalar).select(x, 6, 1.0f, out), 4u);
  EXPECT_EQ(std::vector<std::uint32_t>(out, out + 4), (std::vector<std::uint32_t>{0, 2, 3, 4}));
  EXPECT_EQ(vector_kernels(Isa::kScalar).select(x, 6, std::nanf(""), out), 6u);
}

TEST_P(VectorIsa, Selects) {
  for (std::size_t n : kLengths) {
    Row x(n, random_);
    for (std::size_t i = 3; i < n; i += 11) x[i] = std::nanf("");
    for (float floor : {-std::numeric_limits<float>::infinity(), -0.5f, 2.0f, 9.0f, std::nanf("")}) {
      std::vector<std::uint32_t> expected(n), selected(n);
      expected.resize(scalar_.select(x.data(), n, floor, expected.data()));
      selected.resize(kernels_.select(x.data(), n, floor, selected.data()));
      EXPECT_EQ(selected, expected) << n << " values, floor " << floor;
    }
  }
}

TEST_P(VectorIsa, Measures) {
  for (std::size_t n : kLengths) {
    const Row a(n, random_), b(n, random_);
    double dot = 0.0, dot_terms = 0.0, squared = 0.0, l1 = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double x = a.data()[i], y = b.data()[i];
      dot += x * y;
      dot_terms += std::abs(x * y);
      squared += (x - y) * (x - y);
      l1 += std::abs(x - y);
    }
    EXPECT_NEAR(kernels_.dot(a.data(), b.data(), n), dot, 1e-6 * dot_terms);
    EXPECT_NEAR(kernels_.squared_distance(a.data(), b.data(), n), squared, 1e-6 * squared);
    EXPECT_NEAR(kernels_.l1_distance(a.data(), b.data(), n), l1, 1e-6 * l1);
  }
}

TEST_P(VectorIsa, TilesHoldEveryPair) {
  for (std::size_t n : kLengths) {
    const Row rows[8] = {{n, random_}, {n, random_}, {n, random_}, {n, random_},
                         {n, random_}, {n, random_}, {n, random_}, {n, random_}};
    const float* const a[4] = {rows[0].data(), rows[1].data(), rows[2].data(), rows[3].data()};
    const float* const b[4] = {rows[4].data(), rows[5].data(), rows[6].data(), rows[6].data()};
    float dot[16], squared[16], l1[16];
    kernels_.dot_tile(a, b, n, dot);
    kernels_.squared_distance_tile(a, b, n, squared);
    kernels_.l1_distance_tile(a, b, n, l1);
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        const float norms = std::sqrt(scalar_.dot(a[i], a[i], n) * scalar_.dot(b[j], b[j], n));
        EXPECT_NEAR(dot[4 * i + j], scalar_.dot(a[i], b[j], n), 1e-5f * norms) << n;
        const float d = scalar_.squared_distance(a[i], b[j], n), m = scalar_.l1_distance(a[i], b[j], n);
        EXPECT_NEAR(squared[4 * i + j], d, 1e-5f * d) << n;
        EXPECT_NEAR(l1[4 * i + j], m, 1e-5f * m) << n;
      }
      EXPECT_EQ(dot[4 * i + 2], dot[4 * i + 3]) << "a row's place changed its sum";
    }
  }
}

TEST_P(VectorIsa, Scale) {
  for (std::size_t n : kLengths) {
    Row x(n, random_);
    std::vector<float> expected(n), actual(n + 1, 9.0f);
    scalar_.scale(x.data(), 0.37f, n, expected.data());
    kernels_.scale(x.data(), 0.37f, n, actual.data());
    EXPECT_EQ(actual.back(), 9.0f);
    actual.pop_back();
    EXPECT_EQ(actual, expected);
    kernels_.scale(x.data(), 0.37f, n, x.data());
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), x.data()));
  }
}

TEST_P(VectorIsa, ExtendRange) {
  for (std::size_t n : kLengths) {
    const float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> min(n + 1, infinity), max(n + 1, -infinity), expected_min(min), expected_max(max);
    for (int r = 0; r < 5; ++r) {
      Row x(n, random_);
      if (n > 2) x[n / 2] = std::numeric_limits<float>::quiet_NaN();
      kernels_.extend_range(x.data(), n, min.data(), max.data());
      scalar_.extend_range(x.data(), n, expected_min.data(), expected_max.data());
    }
    EXPECT_EQ(min, expected_min);
    EXPECT_EQ(max, expected_max);
  }
}

TEST_P(VectorIsa, QuantizeGivesTheBitsOfScalar) {
  for (std::size_t n : kLengths) {
    Row x(n, random_), min(n, random_), step(n, random_);
    for (std::size_t i = 0; i < n; ++i) {
      step[i] = random_() % 7 == 0 ? 0.0f : std::abs(step[i]) / 100.0f;
      if (random_() % 11 == 0) x[i] = min[i];
      if (random_() % 50 == 0) x[i] = std::numeric_limits<float>::quiet_NaN();
      if (random_() % 50 == 0) x[i] = std::numeric_limits<float>::infinity();
    }
    for (std::uint8_t flip : {0x00, 0x80}) {
      std::vector<std::uint8_t> expected(n), actual(n + 1, 77);
      scalar_.quantize(x.data(), min.data(), step.data(), n, flip, expected.data());
      kernels_.quantize(x.data(), min.data(), step.data(), n, flip, actual.data());
      EXPECT_EQ(actual.back(), 77);
      actual.pop_back();
      EXPECT_EQ(actual, expected) << n;
    }
  }
}

TEST_P(VectorIsa, PackSigns) {
  for (std::size_t n : kLengths) {
    Row x(n, random_);
    for (std::size_t i = 0; i < n; ++i) {
      if (random_() % 5 == 0) x[i] = random_() % 2 == 0 ? 0.0f : -0.0f;
    }
    for (std::uint8_t flip : {0x00, 0x80}) {
      const std::size_t bytes = (n + 7) / 8;
      std::vector<std::uint8_t> expected(bytes), actual(bytes + 1, 77);
      scalar_.pack_signs(x.data(), n, flip, expected.data());
      kernels_.pack_signs(x.data(), n, flip, actual.data());
      EXPECT_EQ(actual.back(), 77);
      actual.pop_back();
      EXPECT_EQ(actual, expected) << n;
    }
  }
}

}  // namespace
}  // namespace stillvec::kernels
