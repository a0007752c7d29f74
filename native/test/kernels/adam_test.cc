#include "kernels/adam/adam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

constexpr std::size_t kCounts[] = {0, 1, 3, 7, 8, 9, 15, 16, 17, 33, 300, 1031};

class AdamIsa : public test::IsaTest {
 protected:
  void SetUp() override {
    test::IsaTest::SetUp();
    kernels_ = &adam_kernels(GetParam());
  }
  std::vector<float> random_values(std::size_t count, float size) {
    std::normal_distribution<float> normal(0.0f, size);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random_);
    return values;
  }
  const AdamKernels* kernels_ = nullptr;
  std::mt19937 random_{4};
};

TEST_P(AdamIsa, Update) {
  AdamUpdate u;
  u.gradient_scale = 0.5f;
  u.beta1_decay = 0.81f;
  u.beta1_gain = 0.1f;
  u.beta2_decay = 0.998f;
  u.beta2_gain = 0.001f;
  u.weight_decay = 0.99f;
  u.step_size = 0.2f;
  u.root_scale = 1.7f;
  u.eps = 1e-4f;
  for (std::size_t n : kCounts) {
    const std::vector<float> g = random_values(n + 1, 1.0f), p = random_values(n + 2, 1.0f),
                             m = random_values(n + 2, 0.1f);
    std::vector<float> v = random_values(n + 2, 0.1f);
    for (float& value : v) value *= value;
    std::vector<float> new_p = p, new_m = m, new_v = v;
    kernels_->update(u, g.data() + 1, n, new_p.data() + 1, new_m.data() + 1, new_v.data() + 1);
    for (std::size_t k = 1; k <= n; ++k) {
      const double scaled = 0.5 * static_cast<double>(g[k]);
      const double first =
          static_cast<double>(u.beta1_decay) * static_cast<double>(m[k]) + static_cast<double>(u.beta1_gain) * scaled;
      const double second = static_cast<double>(u.beta2_decay) * static_cast<double>(v[k]) +
                            static_cast<double>(u.beta2_gain) * scaled * scaled;
      const double step = static_cast<double>(u.step_size) * first /
                          (static_cast<double>(u.root_scale) * std::sqrt(second) + static_cast<double>(u.eps));
      EXPECT_NEAR(static_cast<double>(new_m[k]), first, 1e-7);
      EXPECT_NEAR(static_cast<double>(new_v[k]), second, 1e-6 * second);
      EXPECT_NEAR(static_cast<double>(new_p[k]), static_cast<double>(u.weight_decay) * static_cast<double>(p[k]) - step,
                  1e-6 * (1.0 + std::abs(step)));
    }
    for (std::size_t outside : {std::size_t{0}, n + 1}) {
      EXPECT_EQ(new_p[outside], p[outside]);
      EXPECT_EQ(new_m[outside], m[outside]);
      EXPECT_EQ(new_v[outside], v[outside]);
    }
  }
}

TEST_P(AdamIsa, CatchUpByExpansionAndBySum) {
  const std::vector<float> weights = {0.3f, 0.2f, 0.1f}, shifts = {1e-3f, 2e-3f, 4e-3f};
  AdamSlumber slumber;
  slumber.weight_decay = 0.98f;
  const double center = 0.0018;
  slumber.inverse_center = static_cast<float>(1.0 / center);
  for (std::size_t t = 0; t < 3; ++t) {
    double term = static_cast<double>(weights[t]) / center;
    for (float& sum : slumber.terms) {
      sum += static_cast<float>(term);
      term *= 1.0 - static_cast<double>(shifts[t]) / center;
    }
  }
  slumber.weights = weights.data();
  slumber.shifts = shifts.data();
  slumber.steps = 3;
  slumber.safe_root = 0.03f;
  for (std::size_t n : kCounts) {
    const std::vector<float> p = random_values(n + 2, 1.0f), m = random_values(n + 1, 0.1f);
    std::vector<float> v = random_values(n + 1, 1.0f);
    for (std::size_t k = 0; k < v.size(); ++k)
      v[k] = k % 5 == 2 ? 0.0f : v[k] * v[k] * (k / 16 % 2 == 0 ? 1.0f : 1e-4f);
    std::vector<float> moved = p;
    kernels_->catch_up(slumber, m.data() + 1, v.data() + 1, n, moved.data() + 1);
    for (std::size_t k = 1; k <= n; ++k) {
      double factor = 0.0;
      for (std::size_t t = 0; t < 3; ++t) {
        factor +=
            static_cast<double>(weights[t]) / (std::sqrt(static_cast<double>(v[k])) + static_cast<double>(shifts[t]));
      }
      const double step = static_cast<double>(m[k]) * factor;
      EXPECT_NEAR(static_cast<double>(moved[k]),
                  static_cast<double>(slumber.weight_decay) * static_cast<double>(p[k]) - step,
                  2e-6 * (1.0 + std::abs(step)));
    }
    EXPECT_EQ(moved[0], p[0]);
    EXPECT_EQ(moved[n + 1], p[n + 1]);
  }
}

INSTANTIATE_TEST_SUITE_P(Simd, AdamIsa, testing::Values(Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512),
                         test::name_of_isa);

}  // namespace
}  // namespace stillvec::kernels
