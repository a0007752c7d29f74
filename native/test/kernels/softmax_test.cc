#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

constexpr std::size_t kCounts[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 1000, 1027};
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_values(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

class SoftmaxIsa : public test::IsaTest {
 protected:
  void SetUp() override {
    test::IsaTest::SetUp();
    kernels_ = &softmax_kernels(GetParam());
  }
  const SoftmaxKernels* kernels_ = nullptr;
};

TEST_P(SoftmaxIsa, LargestLogit) {
  std::mt19937 random(1);
  for (std::size_t n : kCounts) {
    for (float offset : {-4.0f, 0.0f}) {
      std::vector<float> s = random_values(n + 2, random), scales = random_values(n + 1, random);
      for (float& value : s) value += offset;
      for (float& value : scales) value = std::abs(value) + 0.1f;
      const std::vector<float>& scale = scales;
      s[0] = s[n + 1] = 100.0f;
      for (const float* column_scale : {scale.data() + 1, static_cast<const float*>(nullptr)}) {
        float expected = -kInfinity;
        for (std::size_t j = 0; j < n; ++j) {
          expected = std::max(expected, s[1 + j] * (1.5f * (column_scale == nullptr ? 1.0f : column_scale[j])));
        }
        EXPECT_EQ(kernels_->largest(s.data() + 1, column_scale, 1.5f, n), expected);
      }
    }
  }
}

TEST_P(SoftmaxIsa, ExponentialsToThreeUlp) {
  std::vector<float> x;
  for (float value = 1.0f; value > -90.0f; value -= 0.00137f) x.push_back(value);
  x.insert(x.end(), {0.0f, -1e-30f, -1e-7f, -87.0f, -88.0f, -89.0f, -1000.0f, -1e30f, -kInfinity});
  std::vector<float> e(x.size());
  kernels_->exponentials(x.data(), nullptr, 1.0f, 0.0f, x.size(), e.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    if (exact < 1.3e-38) {
      EXPECT_LE(e[i], 1.3e-38f);
    } else {
      EXPECT_NEAR(static_cast<double>(e[i]), exact, 3 * 6e-8 * exact) << x[i];
    }
  }
  EXPECT_EQ(e.back(), 0.0f);
}

TEST_P(SoftmaxIsa, ExponentialsAndTheirSum) {
  std::mt19937 random(2);
  for (std::size_t n : kCounts) {
    const std::vector<float> s = random_values(n + 1, random), scale = random_values(n + 1, random);
    for (const float* column_scale : {scale.data() + 1, static_cast<const float*>(nullptr)}) {
      std::vector<float> e(n + 2, 9.0f);
      const float sum = kernels_->exponentials(s.data() + 1, column_scale, 0.8f, 9.0f, n, e.data() + 1);
      double expected = 0.0;
      for (std::size_t j = 0; j < n; ++j) {
        const double logit = static_cast<double>(s[1 + j]) * 0.8 *
                             (column_scale == nullptr ? 1.0 : static_cast<double>(column_scale[j]));
        const double exact = std::exp(logit - 9.0);
        EXPECT_NEAR(static_cast<double>(e[1 + j]), exact, 2e-6 * exact);
        expected += exact;
      }
      EXPECT_NEAR(static_cast<double>(sum), expected, 2e-6 * expected);
      EXPECT_EQ(e[0], 9.0f);
      EXPECT_EQ(e[n + 1], 9.0f);
    }
  }
}

TEST_P(SoftmaxIsa, GradientAndItsSums) {
  std::mt19937 random(3);
  for (std::size_t n : kCounts) {
    const std::vector<float> e = random_values(n + 1, random), scale = random_values(n, random);
    const std::vector<float> s = random_values(n + 2, random), h = random_values(n + 2, random);
    const std::vector<float> sums = random_values(n + 2, random);
    for (const float* column_scale : {scale.data(), static_cast<const float*>(nullptr)}) {
      std::vector<float> new_s = s, new_h = h, new_sums = sums;
      const float total = kernels_->gradient(e.data() + 1, column_scale, 0.7f, n, new_s.data() + 1, new_h.data() + 1,
                                             new_sums.data() + 1);
      double expected = 0.0;
      for (std::size_t j = 1; j <= n; ++j) {
        const double u =
            static_cast<double>(e[j]) * 0.7 * (column_scale == nullptr ? 1.0 : static_cast<double>(scale[j - 1]));
        const double product = u * static_cast<double>(s[j]);
        expected += product;
        EXPECT_NEAR(static_cast<double>(new_h[j]), static_cast<double>(h[j]) + u, 1e-6);
        EXPECT_EQ(new_s[j], new_h[j]);
        EXPECT_NEAR(static_cast<double>(new_sums[j]), static_cast<double>(sums[j]) + product, 2e-6);
      }
      EXPECT_NEAR(static_cast<double>(total), expected, 1e-5 * std::sqrt(static_cast<double>(n) + 1.0));
      for (std::size_t outside : {std::size_t{0}, n + 1}) {
        EXPECT_EQ(new_s[outside], s[outside]);
        EXPECT_EQ(new_h[outside], h[outside]);
        EXPECT_EQ(new_sums[outside], sums[outside]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Simd, SoftmaxIsa, testing::Values(Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512),
                         test::name_of_isa);

}  // namespace
}  // namespace stillvec::kernels
