#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <immintrin.h>

#include "kernels/bag/bag.h"

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {
namespace {

constexpr std::size_t kLanes = 8;
constexpr std::size_t kCacheLine = 64;
// Sums kept in registers while the rows go by: 64 columns, half of the 16 registers.
constexpr int kBlock = 8;
// Rows between the one that is fetched and the one that is summed.
constexpr std::size_t kDistance = 8;

struct F32 {
  using Value = float;
  static constexpr bool kScaled = false;
  static __m256 load(const Value* p) { return _mm256_loadu_ps(p); }
  static float read(Value x) { return x; }
};

struct F16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m256 load(const Value* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static float read(Value x) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(x))); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static __m256 load(const Value* p) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
  }
  static float read(Value x) { return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(x << 16))); }
};

struct I8 {
  using Value = std::int8_t;
  static constexpr bool kScaled = true;
  static __m256 load(const Value* p) {
    const __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x));
  }
  static float read(Value x) { return static_cast<float>(x); }
};

// Columns [column, column + kVectors * kLanes).
template <typename Format, int kVectors>
void mean_block(const TableView& table, const Bag& bag, std::size_t column, float inverse, float* out) {
  using Value = typename Format::Value;
  const Value* values = static_cast<const Value*>(table.values) + column;
  const std::size_t known = bag.count + bag.ahead;
  __m256 sums[kVectors];
  for (int v = 0; v < kVectors; ++v) sums[v] = _mm256_setzero_ps();
  for (std::size_t i = 0; i < bag.count; ++i) {
    if (i + kDistance < known) {
      const char* next = reinterpret_cast<const char*>(values + std::size_t{bag.ids[i + kDistance]} * table.dim);
      for (std::size_t b = 0; b < kVectors * kLanes * sizeof(Value); b += kCacheLine)
        _mm_prefetch(next + b, _MM_HINT_T0);
    }
    const Value* row = values + std::size_t{bag.ids[i]} * table.dim;
    if constexpr (Format::kScaled) {
      const __m256 scale = _mm256_set1_ps(table.scales[bag.ids[i]]);
      for (int v = 0; v < kVectors; ++v) {
        sums[v] = _mm256_add_ps(sums[v], _mm256_mul_ps(Format::load(row + v * kLanes), scale));
      }
    } else {
      for (int v = 0; v < kVectors; ++v) sums[v] = _mm256_add_ps(sums[v], Format::load(row + v * kLanes));
    }
  }
  const __m256 inverses = _mm256_set1_ps(inverse);
  for (int v = 0; v < kVectors; ++v) _mm256_storeu_ps(out + column + v * kLanes, _mm256_mul_ps(sums[v], inverses));
}

template <typename Format>
void mean_column(const TableView& table, const Bag& bag, std::size_t column, float inverse, float* out) {
  const auto* values = static_cast<const typename Format::Value*>(table.values) + column;
  float sum = 0.0f;
  for (std::size_t i = 0; i < bag.count; ++i) {
    float value = Format::read(values[std::size_t{bag.ids[i]} * table.dim]);
    if constexpr (Format::kScaled) value *= table.scales[bag.ids[i]];
    sum += value;
  }
  out[column] = sum * inverse;
}

template <typename Format>
void mean(const TableView& table, const Bag& bag, std::size_t columns, float* out) {
  const float inverse = bag.count == 0 ? 0.0f : 1.0f / static_cast<float>(bag.count);
  std::size_t c = 0;
  for (; c + kBlock * kLanes <= columns; c += kBlock * kLanes) mean_block<Format, kBlock>(table, bag, c, inverse, out);
  for (; c + kLanes <= columns; c += kLanes) mean_block<Format, 1>(table, bag, c, inverse, out);
  for (; c < columns; ++c) mean_column<Format>(table, bag, c, inverse, out);
}

}  // namespace

const BagKernels kBag = {mean<F32>, mean<F16>, mean<Bf16>, mean<I8>};

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
