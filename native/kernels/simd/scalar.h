#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

// One lane of f32: what the vector types of the other instruction sets are to be compared with.
namespace stillvec::kernels::scalar {

struct Floats {
  using V = float;
  static constexpr std::size_t kLanes = 1;

  static V zero() { return 0.0f; }
  static V set(float x) { return x; }
  static V load(const float* p) { return *p; }
  static V load_partial(const float* p, std::size_t n, float fill) { return n == 0 ? fill : *p; }
  static void store(float* p, V a) { *p = a; }
  static void store_partial(float* p, V a, std::size_t n) {
    if (n != 0) *p = a;
  }
  static V add(V a, V b) { return a + b; }
  static V sub(V a, V b) { return a - b; }
  static V mul(V a, V b) { return a * b; }
  static V div(V a, V b) { return a / b; }
  static V sqrt(V a) { return std::sqrt(a); }
  static V max(V a, V b) { return a > b ? a : b; }
  static V fma(V a, V b, V c) { return a * b + c; }  // two roundings: a libm call otherwise
  static V fnma(V a, V b, V c) { return c - a * b; }
  static V round(V a) { return std::nearbyint(a); }
  // 2^k for an integer k in [-127, 127]; 0 for k = -127.
  static V power_of_two(V k) {
    const std::uint32_t bits = static_cast<std::uint32_t>(static_cast<std::int32_t>(k) + 127) << 23;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  }
  static bool any_less(V a, V b) { return a < b; }
  static float sum(V a) { return a; }
  static float largest(V a) { return a; }
  static void prefetch(const float*) {}
};

}  // namespace stillvec::kernels::scalar
