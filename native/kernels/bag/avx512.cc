#include "kernels/simd/avx512.h"
#include "kernels/bag/bag.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstring>

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {
namespace {

__mmask16 first(std::size_t count) { return static_cast<__mmask16>((1u << count) - 1u); }

struct F32 {
  using Value = float;
  static constexpr bool kScaled = false;
  static __m512 load(const Value* p) { return _mm512_loadu_ps(p); }
  static __m512 load_partial(const Value* p, std::size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
};

struct F16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m512 widen(__m256i x) { return _mm512_cvtph_ps(x); }
  static __m512 load(const Value* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static __m512 load_partial(const Value* p, std::size_t n) { return widen(_mm256_maskz_loadu_epi16(first(n), p)); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m512 widen(__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); }
  static __m512 load(const Value* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static __m512 load_partial(const Value* p, std::size_t n) { return widen(_mm256_maskz_loadu_epi16(first(n), p)); }
};

struct I8 {
  using Value = std::int8_t;
  static constexpr bool kScaled = true;
  static __m512 widen(__m128i x) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(x)); }
  static __m512 load(const Value* p) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static __m512 load_partial(const Value* p, std::size_t n) { return widen(_mm_maskz_loadu_epi8(first(n), p)); }
};

struct Words {
  using V = __m512i;
  static constexpr std::size_t kBytes = 64;
  static V zero() { return _mm512_setzero_si512(); }
  static V load(const char* p) { return _mm512_loadu_si512(p); }
  static V add(V a, V b) { return _mm512_add_epi64(a, b); }
  static void store(std::uint64_t* p, V a) { _mm512_storeu_si512(p, a); }
  static void prefetch(const char* p) { _mm_prefetch(p, _MM_HINT_T1); }
};

}  // namespace

#include "kernels/bag/bag.inl"

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
