#include "kernels/rows/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

constexpr std::size_t kWidths[] = {0, 1, 3, 8, 15, 16, 17, 33, 100, 1024, 1031};

class RowIsa : public test::IsaTest {
 protected:
  void SetUp() override {
    test::IsaTest::SetUp();
    kernels_ = &row_kernels(GetParam());
  }
  std::vector<float> random_values(std::size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random_);
    return values;
  }
  const RowKernels* kernels_ = nullptr;
  std::mt19937 random_{8};
};

TEST_P(RowIsa, NormSumScaleAndDivide) {
  for (std::size_t n : kWidths) {
    const std::vector<float> x = random_values(n + 1), y = random_values(n + 2);
    double squared = 0.0;
    for (std::size_t k = 1; k <= n; ++k) squared += static_cast<double>(x[k]) * static_cast<double>(x[k]);
    EXPECT_NEAR(static_cast<double>(kernels_->squared_norm(x.data() + 1, n)), squared, 1e-6 * squared);
    std::vector<float> added = y, scaled = y, divided = y;
    kernels_->add_scaled(-0.3f, x.data() + 1, n, added.data() + 1);
    kernels_->scale(1.7f, n, scaled.data() + 1);
    kernels_->divide(3.0f, n, divided.data() + 1);
    for (std::size_t k = 1; k <= n; ++k) {
      EXPECT_NEAR(added[k], y[k] - 0.3f * x[k], 1e-6f * (1.0f + std::abs(y[k])));
      EXPECT_EQ(scaled[k], y[k] * 1.7f);
      EXPECT_EQ(divided[k], y[k] / 3.0f);
    }
    for (std::size_t outside : {std::size_t{0}, n + 1}) {
      EXPECT_EQ(added[outside], y[outside]);
      EXPECT_EQ(scaled[outside], y[outside]);
      EXPECT_EQ(divided[outside], y[outside]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Simd, RowIsa, testing::Values(Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512),
                         test::name_of_isa);

}  // namespace
}  // namespace stillvec::kernels
