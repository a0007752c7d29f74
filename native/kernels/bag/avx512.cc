#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own intrinsics (bug 105593)
#endif
#include <immintrin.h>

#include <cstring>

#include "kernels/bag/bag.h"

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kCacheLine = 64;
// A group of rows is added to all columns, a block of them in registers at a time, before the next group: with fewer
// rows the sums come and go too often, with more a row's page is forgotten between its blocks.
constexpr std::size_t kGroup = 16;
constexpr int kBlock = 4;  // registers of sums: 64 columns; more are no faster, as memory decides
// How many rows ahead to prefetch, into L2: there a core has more misses in flight than into L1.
constexpr std::size_t kDistance = 12;

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

// Up to kGroup ids of a bag, and what may be prefetched behind them.
struct Group {
  const std::uint32_t* ids;
  std::size_t count;
  std::size_t known;
  bool is_first;
  float factor;  // of the sums: 1 / count for the last group, else 1
};

constexpr float kZeros[kBlock * kLanes] = {};

// Columns [column, column + kVectors * kLanes) of `out`.
template <typename Format, int kVectors>
void add_block(const TableView& table, const Group& group, std::size_t column, float* out) {
  using Value = typename Format::Value;
  constexpr std::size_t kBytes = kVectors * kLanes * sizeof(Value);
  const Value* values = static_cast<const Value*>(table.values) + column;
  __m512 sums[kVectors];
  float* const place = out + column;
  // The sums are written at the end, to lines that are then on their way.
  for (std::size_t c = 0; c < kVectors * kLanes; c += kCacheLine / sizeof(float))
    _mm_prefetch(reinterpret_cast<const char*>(place + c), _MM_HINT_T0);
  const float* before = group.is_first ? kZeros : place;
  for (int v = 0; v < kVectors; ++v) sums[v] = _mm512_loadu_ps(before + v * kLanes);
  for (std::size_t i = 0; i < group.count; ++i) {
    if (i + kDistance < group.known) {
      const char* next = reinterpret_cast<const char*>(values + std::size_t{group.ids[i + kDistance]} * table.dim);
      for (std::size_t b = 0; b < kBytes; b += kCacheLine) _mm_prefetch(next + b, _MM_HINT_T1);
    }
    const Value* row = values + std::size_t{group.ids[i]} * table.dim;
    const __m512 scale = Format::kScaled ? _mm512_set1_ps(table.scales[group.ids[i]]) : _mm512_setzero_ps();
    for (int v = 0; v < kVectors; ++v) sums[v] = add<Format>(sums[v], Format::load(row + v * kLanes), scale);
  }
  const __m512 factor = _mm512_set1_ps(group.factor);
  for (int v = 0; v < kVectors; ++v) _mm512_storeu_ps(place + v * kLanes, _mm512_mul_ps(sums[v], factor));
}

// The last columns, fewer than a register holds.
template <typename Format>
void add_tail(const TableView& table, const Group& group, std::size_t column, __mmask16 lanes, float* out) {
  using Value = typename Format::Value;
  const Value* values = static_cast<const Value*>(table.values) + column;
  __m512 sum = group.is_first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(lanes, out + column);
  for (std::size_t i = 0; i < group.count; ++i) {
    const __m512 scale = Format::kScaled ? _mm512_set1_ps(table.scales[group.ids[i]]) : _mm512_setzero_ps();
    sum = add<Format>(sum, Format::load(values + std::size_t{group.ids[i]} * table.dim, lanes), scale);
  }
  _mm512_mask_storeu_ps(out + column, lanes, _mm512_mul_ps(sum, _mm512_set1_ps(group.factor)));
}

template <typename Format>
void mean(const TableView& table, const Bag& bag, std::size_t columns, float* out) {
  std::size_t done = 0;
  do {
    const std::size_t left = bag.count - done;
    const bool is_last = left <= kGroup;
    const Group group = {bag.ids + done, is_last ? left : kGroup, left + bag.ahead, done == 0,
                         is_last && left > 0 ? 1.0f / static_cast<float>(bag.count) : 1.0f};
    std::size_t c = 0;
    for (; c + kBlock * kLanes <= columns; c += kBlock * kLanes) {
      add_block<Format, kBlock>(table, group, c, out);
    }
    for (; c + kLanes <= columns; c += kLanes) add_block<Format, 1>(table, group, c, out);
    if (c < columns) {
      const auto lanes = static_cast<__mmask16>((1u << (columns - c)) - 1u);
      add_tail<Format>(table, group, c, lanes, out);
    }
    done += group.count;
  } while (done < bag.count);
}

// Four rows at once: more streams than one keep more of the memory busy.
std::uint64_t read_rows(const void* values, std::size_t stride, std::size_t bytes, const Bag& bag) {
  constexpr std::size_t kRows = 4;
  constexpr std::size_t kStep = 64;
  const char* const begin = static_cast<const char*>(values);
  const std::size_t known = bag.count + bag.ahead;
  const std::size_t whole = bytes - bytes % kStep;
  __m512i sums[kRows];
  for (std::size_t j = 0; j < kRows; ++j) sums[j] = _mm512_setzero_si512();
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < bag.count; i += kRows) {
    const std::size_t rows = bag.count - i < kRows ? bag.count - i : kRows;
    const char* row[kRows];
    const char* next[kRows];
    for (std::size_t j = 0; j < kRows; ++j) {
      row[j] = begin + bag.ids[i + (j < rows ? j : 0)] * stride;
      next[j] = i + j + kDistance < known ? begin + bag.ids[i + j + kDistance] * stride : row[j];
    }
    if (rows == kRows) {
      for (std::size_t b = 0; b < whole; b += kStep) {
        for (std::size_t j = 0; j < kRows; ++j) {
          _mm_prefetch(next[j] + b, _MM_HINT_T1);
          sums[j] = _mm512_add_epi64(sums[j], _mm512_loadu_si512(row[j] + b));
        }
      }
    } else {
      for (std::size_t j = 0; j < rows; ++j) {
        for (std::size_t b = 0; b < whole; b += kStep)
          sums[j] = _mm512_add_epi64(sums[j], _mm512_loadu_si512(row[j] + b));
      }
    }
    for (std::size_t j = 0; j < rows; ++j) {
      for (std::size_t b = whole; b + 8 <= bytes; b += 8) {
        std::uint64_t word;
        std::memcpy(&word, row[j] + b, sizeof word);
        rest += word;
      }
    }
  }
  const __m512i sum = _mm512_add_epi64(_mm512_add_epi64(sums[0], sums[1]), _mm512_add_epi64(sums[2], sums[3]));
  // Lane by lane: the header's reduction adds signed words, whose overflow is undefined.
  std::uint64_t lanes[8];
  _mm512_storeu_si512(lanes, sum);
  for (const std::uint64_t lane : lanes) rest += lane;
  return rest;
}

}  // namespace

const BagKernels kBag = {mean<F32>, mean<F16>, mean<Bf16>, mean<I8>, read_rows};

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
