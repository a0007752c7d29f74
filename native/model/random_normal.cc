#include "model/random_normal.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace stillvec::model {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a bijection that scatters a counter over 64 bits.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

constexpr std::uint64_t kGoldenGamma = 0x9e3779b97f4a7c15ull;

// Natural logarithm of x in (0, 1], to 2 ulp: log(m * 2^e) = e log 2 + 2 artanh((m - 1) / (m + 1)). The library's
// logf would round differently from one system to the next.
float log_of(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;  // so that m is in [sqrt(1/2), sqrt(2))
  const float m = std::bit_cast<float>(bits - exponent * (1 << 23));
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  const float series = z * (1.0f / 3.0f + z * (1.0f / 5.0f + z * (1.0f / 7.0f + z * (1.0f / 9.0f))));
  return static_cast<float>(exponent) * 0.693147181f + 2.0f * (s + s * series);
}

// Sine and cosine of t quarter turns, |t| <= 1/2: Taylor series, whose first term left out is below 2^-26.
float sine_of_quarters(float t) {
  const float x = t * 1.57079633f, z = x * x;
  return x * (1.0f + z * (-1.0f / 6.0f + z * (1.0f / 120.0f + z * (-1.0f / 5040.0f))));
}
float cosine_of_quarters(float t) {
  const float x = t * 1.57079633f, z = x * x;
  return 1.0f + z * (-0.5f + z * (1.0f / 24.0f + z * (-1.0f / 720.0f + z * (1.0f / 40320.0f))));
}

}  // namespace

// Box-Muller: radius sqrt(-2 log u), angle uniform.
void fill_normal(std::uint64_t seed, std::uint64_t first_pair, std::size_t pairs, float* out) {
  constexpr std::size_t kRun = 64;  // short loops over arrays, which compilers turn into SIMD
  const std::uint64_t start = mix(seed + kGoldenGamma);
  std::int32_t high[kRun], low[kRun];
  for (std::size_t done = 0; done < pairs; done += kRun) {
    const std::size_t n = std::min(kRun, pairs - done);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t random = mix(start + (first_pair + done + i + 1) * kGoldenGamma);
      high[i] = static_cast<std::int32_t>(random >> 33);         // 31 bits
      low[i] = static_cast<std::int32_t>(random & 0xffffffffu);  // 32 bits, as a signed number
    }
    float* values = out + 2 * done;
    for (std::size_t i = 0; i < n; ++i) {
      constexpr float kTwoToMinus31 = 1.0f / 2147483648.0f;
      const float u = (static_cast<float>(high[i]) + 0.5f) * kTwoToMinus31;  // in (0, 1]
      const float radius = std::sqrt(-2.0f * log_of(u));
      // The angle in quarter turns is in [-2, 2]: a whole number of them and a rest in [-1/2, 1/2].
      const float angle = static_cast<float>(low[i]) * (2.0f * kTwoToMinus31);
      const auto quarter = static_cast<std::int32_t>(angle + 2.5f) - 2;  // floor(angle + 1/2)
      const float rest = angle - static_cast<float>(quarter);
      const float s = sine_of_quarters(rest), c = cosine_of_quarters(rest);
      const float x = (quarter & 1) != 0 ? s : c, y = (quarter & 1) != 0 ? c : s;
      values[2 * i] = radius * (((quarter + 1) & 2) != 0 ? -x : x);
      values[2 * i + 1] = radius * ((quarter & 2) != 0 ? -y : y);
    }
  }
}

}  // namespace stillvec::model
