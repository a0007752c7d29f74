#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own intrinsics (bug 105593)
#endif
#include <immintrin.h>

#include "kernels/bag/bag.h"

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kCacheLine = 64;
// Sums kept in registers while the rows go by: 256 columns. Of the 32 registers that leaves enough for the loads.
constexpr int kBlock = 16;
// Rows between the one that is fetched and the one that is summed: enough to cover a miss to memory, few enough that
// a block of them stays in L1.
constexpr std::size_t kDistance = 6;

struct F32 {
  using Value = float;
  static constexpr bool kScaled = false;
  static __m512 load(const Value* p) { return _mm512_loadu_ps(p); }
  static __m512 load(const Value* p, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, p); }
};

struct F16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m512 widen(__m256i x) { return _mm512_cvtph_ps(x); }
  static __m512 load(const Value* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static __m512 load(const Value* p, __mmask16 lanes) { return widen(_mm256_maskz_loadu_epi16(lanes, p)); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m512 widen(__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); }
  static __m512 load(const Value* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static __m512 load(const Value* p, __mmask16 lanes) { return widen(_mm256_maskz_loadu_epi16(lanes, p)); }
};

struct I8 {
  using Value = std::int8_t;
  static constexpr bool kScaled = true;
  static __m512 widen(__m128i x) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(x)); }
  static __m512 load(const Value* p) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static __m512 load(const Value* p, __mmask16 lanes) { return widen(_mm_maskz_loadu_epi8(lanes, p)); }
};

template <typename Format>
__m512 add(__m512 sum, __m512 value, __m512 scale) {
  return _mm512_add_ps(sum, Format::kScaled ? _mm512_mul_ps(value, scale) : value);
}

// Columns [column, column + kVectors * kLanes).
template <typename Format, int kVectors>
void mean_block(const TableView& table, const Bag& bag, std::size_t column, __m512 inverse, float* out) {
  using Value = typename Format::Value;
  const Value* values = static_cast<const Value*>(table.values) + column;
  const std::size_t known = bag.count + bag.ahead;
  __m512 sums[kVectors];
  for (int v = 0; v < kVectors; ++v) sums[v] = _mm512_setzero_ps();
  for (std::size_t i = 0; i < bag.count; ++i) {
    if (i + kDistance < known) {
      const char* next = reinterpret_cast<const char*>(values + std::size_t{bag.ids[i + kDistance]} * table.dim);
      for (std::size_t b = 0; b < kVectors * kLanes * sizeof(Value); b += kCacheLine)
        _mm_prefetch(next + b, _MM_HINT_T0);
    }
    const Value* row = values + std::size_t{bag.ids[i]} * table.dim;
    const __m512 scale = Format::kScaled ? _mm512_set1_ps(table.scales[bag.ids[i]]) : inverse;
    for (int v = 0; v < kVectors; ++v) sums[v] = add<Format>(sums[v], Format::load(row + v * kLanes), scale);
  }
  for (int v = 0; v < kVectors; ++v) _mm512_storeu_ps(out + column + v * kLanes, _mm512_mul_ps(sums[v], inverse));
}

// The last columns, fewer than a register holds.
template <typename Format>
void mean_tail(const TableView& table, const Bag& bag, std::size_t column, __mmask16 lanes, __m512 inverse,
               float* out) {
  using Value = typename Format::Value;
  const Value* values = static_cast<const Value*>(table.values) + column;
  __m512 sum = _mm512_setzero_ps();
  for (std::size_t i = 0; i < bag.count; ++i) {
    const __m512 scale = Format::kScaled ? _mm512_set1_ps(table.scales[bag.ids[i]]) : inverse;
    sum = add<Format>(sum, Format::load(values + std::size_t{bag.ids[i]} * table.dim, lanes), scale);
  }
  _mm512_mask_storeu_ps(out + column, lanes, _mm512_mul_ps(sum, inverse));
}

template <typename Format>
void mean(const TableView& table, const Bag& bag, std::size_t columns, float* out) {
  const __m512 inverse = _mm512_set1_ps(bag.count == 0 ? 0.0f : 1.0f / static_cast<float>(bag.count));
  std::size_t c = 0;
  for (; c + kBlock * kLanes <= columns; c += kBlock * kLanes) mean_block<Format, kBlock>(table, bag, c, inverse, out);
  for (; c + 4 * kLanes <= columns; c += 4 * kLanes) mean_block<Format, 4>(table, bag, c, inverse, out);
  for (; c + kLanes <= columns; c += kLanes) mean_block<Format, 1>(table, bag, c, inverse, out);
  if (c < columns) {
    const auto lanes = static_cast<__mmask16>((1u << (columns - c)) - 1u);
    mean_tail<Format>(table, bag, c, lanes, inverse, out);
  }
}

}  // namespace

const BagKernels kBag = {mean<F32>, mean<F16>, mean<Bf16>, mean<I8>};

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
