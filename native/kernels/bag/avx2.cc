#include "kernels/simd/avx2.h"
#include "kernels/bag/bag.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstring>

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {
namespace {

// A register of `n` values of a table, zeros behind them.
template <typename Format>
__m256 load_copy(const typename Format::Value* p, std::size_t n) {
  typename Format::Value lanes[Floats::kLanes] = {};
  for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
  return Format::load(lanes);
}

struct F32 {
  using Value = float;
  static constexpr bool kScaled = false;
  static __m256 load(const Value* p) { return _mm256_loadu_ps(p); }
  static __m256 load_partial(const Value* p, std::size_t n) { return Floats::load_partial(p, n, 0.0f); }
};

struct F16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m256 load(const Value* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static __m256 load_partial(const Value* p, std::size_t n) { return load_copy<F16>(p, n); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m256 load(const Value* p) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
  }
  static __m256 load_partial(const Value* p, std::size_t n) { return load_copy<Bf16>(p, n); }
};

struct I8 {
  using Value = std::int8_t;
  static constexpr bool kScaled = true;
  static __m256 load(const Value* p) {
    const __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x));
  }
  static __m256 load_partial(const Value* p, std::size_t n) { return load_copy<I8>(p, n); }
};

struct Words {
  using V = __m256i;
  static constexpr std::size_t kBytes = 32;
  static V zero() { return _mm256_setzero_si256(); }
  static V load(const char* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static V add(V a, V b) { return _mm256_add_epi64(a, b); }
  static void store(std::uint64_t* p, V a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
  static void prefetch(const char* p) { _mm_prefetch(p, _MM_HINT_T1); }
};

}  // namespace

#include "kernels/bag/bag.inl"

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
