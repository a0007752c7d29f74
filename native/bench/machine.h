#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <thread>
#include <vector>

#include "kernels/products/products.h"
#include "kernels/simd/avx2.h"
#include "kernels/simd/avx512.h"
#include "kernels/simd/neon.h"
#include "kernels/simd/scalar.h"
#include "kernels/target_region.h"
#include "runtime/cpu.h"

// What the machine can do at most, measured in the run whose figures are judged by it: multiply-adds between registers.
namespace stillvec::bench {

// Each gives the operations (two a multiply-add) of `rounds` rounds, and a value that depends on all of them.
struct Work {
  double operations;
  float value;
};

namespace scalar {
inline Work multiply_add(std::size_t rounds) {
  float sums[8] = {1, 2, 3, 4, 5, 6, 7, 8}, factor = 0.999f;
  for (std::size_t i = 0; i < rounds; ++i) {
    for (float& sum : sums) sum = sum * factor + 0.5f;
  }
  return {16.0 * static_cast<double>(rounds), sums[0] + sums[3] + sums[7]};
}
}  // namespace scalar

#define STILLVEC_MULTIPLY_ADD(kSums)                                                         \
  inline Work multiply_add(std::size_t rounds) {                                             \
    Floats::V sums[kSums];                                                                   \
    const Floats::V factor = Floats::set(0.999f), one = Floats::set(1.0f);                   \
    for (int s = 0; s < kSums; ++s) sums[s] = Floats::set(static_cast<float>(s));            \
    for (std::size_t i = 0; i < rounds; ++i) {                                               \
      for (int s = 0; s < kSums; ++s) sums[s] = Floats::fma(sums[s], factor, one);           \
    }                                                                                        \
    Floats::V total = sums[0];                                                               \
    for (int s = 1; s < kSums; ++s) total = Floats::add(total, sums[s]);                     \
    return {2.0 * kSums * Floats::kLanes * static_cast<double>(rounds), Floats::sum(total)}; \
  }

#if defined(STILLVEC_X86)
STILLVEC_BEGIN_AVX2
namespace avx2 {
using kernels::avx2::Floats;
STILLVEC_MULTIPLY_ADD(12)
}  // namespace avx2
STILLVEC_END
STILLVEC_BEGIN_AVX512
namespace avx512 {
using kernels::avx512::Floats;
STILLVEC_MULTIPLY_ADD(16)
}  // namespace avx512
STILLVEC_END
STILLVEC_BEGIN_AVX512_BF16
namespace avx512 {
inline Work multiply_add_bf16(std::size_t rounds) {
  constexpr int kSums = 16;
  __m512 sums[kSums];
  const __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f803f80), b = (__m512bh)_mm512_set1_epi32(0x3f003f80);
  for (int s = 0; s < kSums; ++s) sums[s] = _mm512_set1_ps(static_cast<float>(s));
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int s = 0; s < kSums; ++s) sums[s] = _mm512_dpbf16_ps(sums[s], a, b);
  }
  __m512 total = sums[0];
  for (int s = 1; s < kSums; ++s) total = _mm512_add_ps(total, sums[s]);
  return {4.0 * kSums * 16 * static_cast<double>(rounds), _mm512_reduce_add_ps(total)};
}
}  // namespace avx512
STILLVEC_END
STILLVEC_BEGIN_AMX
namespace avx512 {
struct alignas(64) TileConfig {
  unsigned char palette = 1, start_row = 0, reserved[14] = {};
  unsigned short column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  unsigned char rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
inline constexpr TileConfig kTileConfig;
inline Work multiply_add_amx(std::size_t rounds) {
  _tile_loadconfig(&kTileConfig);
  alignas(64) static const float ones[256] = {};
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, ones, 64);
  _tile_loadd(5, ones, 64);
  for (std::size_t i = 0; i < rounds; ++i) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  alignas(64) float out[256];
  _tile_stored(0, out, 64);
  _tile_release();
  return {4.0 * 2 * 16 * 16 * 32 * static_cast<double>(rounds), out[0]};
}
}  // namespace avx512
STILLVEC_END
#elif defined(STILLVEC_NEON)
namespace neon {
using kernels::neon::Floats;
STILLVEC_MULTIPLY_ADD(16)
}  // namespace neon
STILLVEC_BEGIN_NEON_BF16
namespace neon {
inline Work multiply_add_bf16(std::size_t rounds) {
  constexpr int kSums = 16;
  float32x4_t sums[kSums];
  const bfloat16x8_t a = vreinterpretq_bf16_u32(vdupq_n_u32(0x3f803f80)),
                     b = vreinterpretq_bf16_u32(vdupq_n_u32(0x3f003f80));
  for (int s = 0; s < kSums; ++s) sums[s] = vdupq_n_f32(static_cast<float>(s));
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int s = 0; s < kSums; ++s) sums[s] = vbfdotq_f32(sums[s], a, b);
  }
  float32x4_t total = sums[0];
  for (int s = 1; s < kSums; ++s) total = vaddq_f32(total, sums[s]);
  return {4.0 * kSums * 4 * static_cast<double>(rounds), vaddvq_f32(total)};
}
}  // namespace neon
STILLVEC_END
#endif
#undef STILLVEC_MULTIPLY_ADD

// Seconds that this thread has run, where the system says; others at work on the machine then do not count.
inline double thread_seconds() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
#else
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

// GFLOP/s of `work` on `threads` threads together, the best of several tries.
inline double rate_of(Work (*work)(std::size_t), unsigned threads) {
  constexpr std::size_t kRounds = 1'000'000;
  double best = 0.0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    std::vector<double> rates(threads);
    std::vector<std::thread> team;
    for (unsigned t = 0; t < threads; ++t) {
      team.emplace_back([&, t] {
        const double start = thread_seconds();
        const Work done = work(kRounds);
        const double seconds = thread_seconds() - start;
        rates[t] = done.value == -1.0f ? 0.0 : done.operations / seconds / 1e9;
      });
    }
    for (std::thread& thread : team) thread.join();
    double total = 0.0;
    for (double rate : rates) total += rate;
    best = std::max(best, total);
  }
  return best;
}

inline double f32_peak(Isa isa, unsigned threads) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return rate_of(avx512::multiply_add, threads);
    case Isa::kAvx2: return rate_of(avx2::multiply_add, threads);
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return rate_of(neon::multiply_add, threads);
#endif
    default: return rate_of(scalar::multiply_add, threads);
  }
}

inline double bf16_peak(kernels::Bf16Unit unit, unsigned threads) {
  switch (unit) {
#if defined(STILLVEC_X86)
    case kernels::Bf16Unit::kAmx: return rate_of(avx512::multiply_add_amx, threads);
    case kernels::Bf16Unit::kAvx512: return rate_of(avx512::multiply_add_bf16, threads);
#elif defined(STILLVEC_NEON)
    case kernels::Bf16Unit::kNeon: return rate_of(neon::multiply_add_bf16, threads);
#endif
    default: return rate_of(scalar::multiply_add, threads);
  }
}

// Those of the kernels that this process uses: of f32 where nothing multiplies bf16, since the products are in f32
// then.
inline double f32_peak(unsigned threads) { return f32_peak(cpu().active, threads); }
inline double bf16_peak(unsigned threads) {
  for (kernels::Bf16Unit unit : {kernels::Bf16Unit::kAmx, kernels::Bf16Unit::kAvx512, kernels::Bf16Unit::kNeon}) {
    if (&kernels::bf16_products() == &kernels::bf16_products(unit)) return bf16_peak(unit, threads);
  }
  return f32_peak(threads);
}

}  // namespace stillvec::bench
