#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

#include <cstring>

#include "kernels/bag/bag.h"
#include "kernels/half.h"

namespace stillvec::kernels::neon {
namespace {

constexpr std::size_t kLanes = 4;
constexpr std::size_t kCacheLine = 64;
// A group of rows is added to all columns, a block of them in registers at a time, before the next group: with fewer
// rows the sums come and go too often, with more a row's page is forgotten between its blocks.
constexpr std::size_t kGroup = 16;
constexpr int kBlock = 16;  // registers of sums: 64 columns, half of the registers
// How many rows ahead to prefetch, into L2: there a core has more misses in flight than into L1.
constexpr std::size_t kDistance = 12;

struct F32 {
  using Value = float;
  static constexpr bool kScaled = false;
  static float32x4_t load(const Value* p) { return vld1q_f32(p); }
  static float read(Value x) { return x; }
};

struct F16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static float32x4_t load(const Value* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
  static float read(Value x) { return f16_to_f32(x); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static constexpr bool kScaled = false;
  static float32x4_t load(const Value* p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
  static float read(Value x) { return bf16_to_f32(x); }
};

struct I8 {
  using Value = std::int8_t;
  static constexpr bool kScaled = true;
  static float32x4_t load(const Value* p) {
    std::int32_t four;
    std::memcpy(&four, p, sizeof four);
    const int8x8_t x = vreinterpret_s8_s32(vdup_n_s32(four));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(x))));
  }
  static float read(Value x) { return static_cast<float>(x); }
};

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
  float32x4_t sums[kVectors];
  float* const place = out + column;
  // The sums are written at the end, to lines that are then on their way.
  for (std::size_t c = 0; c < kVectors * kLanes; c += kCacheLine / sizeof(float)) __builtin_prefetch(place + c, 1);
  const float* before = group.is_first ? kZeros : place;
  for (int v = 0; v < kVectors; ++v) sums[v] = vld1q_f32(before + v * kLanes);
  for (std::size_t i = 0; i < group.count; ++i) {
    if (i + kDistance < group.known) {
      const char* next = reinterpret_cast<const char*>(values + std::size_t{group.ids[i + kDistance]} * table.dim);
      for (std::size_t b = 0; b < kBytes; b += kCacheLine) __builtin_prefetch(next + b, 0, 2);
    }
    const Value* row = values + std::size_t{group.ids[i]} * table.dim;
    if constexpr (Format::kScaled) {
      const float scale = table.scales[group.ids[i]];
      for (int v = 0; v < kVectors; ++v) {
        sums[v] = vaddq_f32(sums[v], vmulq_n_f32(Format::load(row + v * kLanes), scale));
      }
    } else {
      for (int v = 0; v < kVectors; ++v) sums[v] = vaddq_f32(sums[v], Format::load(row + v * kLanes));
    }
  }
  for (int v = 0; v < kVectors; ++v) vst1q_f32(place + v * kLanes, vmulq_n_f32(sums[v], group.factor));
}

template <typename Format>
void add_column(const TableView& table, const Group& group, std::size_t column, float* out) {
  const auto* values = static_cast<const typename Format::Value*>(table.values) + column;
  float sum = group.is_first ? 0.0f : out[column];
  for (std::size_t i = 0; i < group.count; ++i) {
    float value = Format::read(values[std::size_t{group.ids[i]} * table.dim]);
    if constexpr (Format::kScaled) value *= table.scales[group.ids[i]];
    sum += value;
  }
  out[column] = sum * group.factor;
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
    for (; c < columns; ++c) add_column<Format>(table, group, c, out);
    done += group.count;
  } while (done < bag.count);
}

// Four rows at once: more streams than one keep more of the memory busy.
std::uint64_t read_rows(const void* values, std::size_t stride, std::size_t bytes, const Bag& bag) {
  constexpr std::size_t kRows = 4;
  constexpr std::size_t kStep = 16;
  const char* const begin = static_cast<const char*>(values);
  const std::size_t known = bag.count + bag.ahead;
  const std::size_t whole = bytes - bytes % kStep;
  uint64x2_t sums[kRows];
  for (std::size_t j = 0; j < kRows; ++j) sums[j] = vdupq_n_u64(0);
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
          if (b % kCacheLine == 0) __builtin_prefetch(next[j] + b, 0, 2);
          sums[j] =
              vaddq_u64(sums[j], vreinterpretq_u64_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(row[j] + b))));
        }
      }
    } else {
      for (std::size_t j = 0; j < rows; ++j) {
        for (std::size_t b = 0; b < whole; b += kStep)
          sums[j] =
              vaddq_u64(sums[j], vreinterpretq_u64_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(row[j] + b))));
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
  return rest + vaddvq_u64(vaddq_u64(vaddq_u64(sums[0], sums[1]), vaddq_u64(sums[2], sums[3])));
}

}  // namespace

const BagKernels kBag = {mean<F32>, mean<F16>, mean<Bf16>, mean<I8>, read_rows};

}  // namespace stillvec::kernels::neon

#endif
