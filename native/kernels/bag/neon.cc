#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <arm_neon.h>

#include "kernels/bag/bag.h"
#include "kernels/half.h"

namespace stillvec::kernels::neon {
namespace {

constexpr std::size_t kLanes = 4;
constexpr std::size_t kCacheLine = 64;
// Sums kept in registers while the rows go by: 64 columns, half of the 32 registers.
constexpr int kBlock = 16;
// Rows between the one that is fetched and the one that is summed.
constexpr std::size_t kDistance = 8;

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
    __builtin_memcpy(&four, p, sizeof four);
    const int8x8_t x = vreinterpret_s8_s32(vdup_n_s32(four));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(x))));
  }
  static float read(Value x) { return static_cast<float>(x); }
};

// Columns [column, column + kVectors * kLanes).
template <typename Format, int kVectors>
void mean_block(const TableView& table, const Bag& bag, std::size_t column, float inverse, float* out) {
  using Value = typename Format::Value;
  const Value* values = static_cast<const Value*>(table.values) + column;
  const std::size_t known = bag.count + bag.ahead;
  float32x4_t sums[kVectors];
  for (int v = 0; v < kVectors; ++v) sums[v] = vdupq_n_f32(0.0f);
  for (std::size_t i = 0; i < bag.count; ++i) {
    if (i + kDistance < known) {
      const char* next = reinterpret_cast<const char*>(values + std::size_t{bag.ids[i + kDistance]} * table.dim);
      for (std::size_t b = 0; b < kVectors * kLanes * sizeof(Value); b += kCacheLine) __builtin_prefetch(next + b);
    }
    const Value* row = values + std::size_t{bag.ids[i]} * table.dim;
    if constexpr (Format::kScaled) {
      const float scale = table.scales[bag.ids[i]];
      for (int v = 0; v < kVectors; ++v) {
        sums[v] = vaddq_f32(sums[v], vmulq_n_f32(Format::load(row + v * kLanes), scale));
      }
    } else {
      for (int v = 0; v < kVectors; ++v) sums[v] = vaddq_f32(sums[v], Format::load(row + v * kLanes));
    }
  }
  for (int v = 0; v < kVectors; ++v) vst1q_f32(out + column + v * kLanes, vmulq_n_f32(sums[v], inverse));
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

}  // namespace stillvec::kernels::neon

#endif
