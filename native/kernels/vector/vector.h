#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// Arithmetic on rows of f32. Sums are f32; their order, and so their last bits, depend on the ISA, but never on where
// a row stands. No pointer needs more than the alignment of its type. n may be 0.
struct VectorKernels {
  // sum of a[i] * b[i];  of (a[i] - b[i])^2;  of |a[i] - b[i]|
  float (*dot)(const float* a, const float* b, std::size_t n);
  float (*squared_distance)(const float* a, const float* b, std::size_t n);
  float (*l1_distance)(const float* a, const float* b, std::size_t n);

  // The same for 4 rows against 4: out[4 * i + j] is the sum for a[i] and b[j]. A pointer may occur more than once.
  using Tile = void (*)(const float* const a[4], const float* const b[4], std::size_t n, float out[16]);
  Tile dot_tile;
  Tile squared_distance_tile;
  Tile l1_distance_tile;

  // out[i] = x[i] * factor. `out` may be `x`.
  void (*scale)(const float* x, float factor, std::size_t n, float* out);

  // min[i] = min(min[i], x[i]);  max[i] = max(max[i], x[i]). NaN changes neither.
  void (*extend_range)(const float* x, std::size_t n, float* min, float* max);

  // The indices of what is not below `floor`, NaN included, ascending: out[0], out[1] ... are the i with
  // !(x[i] < floor). Gives how many there are; `out` has room for n. The same on every ISA.
  std::size_t (*select)(const float* x, std::size_t n, float floor, std::uint32_t* out);

  // out[i] = u8(clip(floor((x[i] - min[i]) / step[i]), 0, 255)) ^ flip, divided in f32; NaN counts as 0. `flip` 0x80
  // gives the value - 128 as int8. The same bits on every ISA.
  void (*quantize)(const float* x, const float* min, const float* step, std::size_t n, std::uint8_t flip,
                   std::uint8_t* out);

  // One bit a value, x[i] > 0, the first in the highest bit; the last byte is filled up with zeros; each byte ^ flip.
  void (*pack_signs)(const float* x, std::size_t n, std::uint8_t flip, std::uint8_t* out);
};

// The kernels of `isa`, which must be supported here; those of the ISA in use.
const VectorKernels& vector_kernels(Isa isa);
const VectorKernels& vector_kernels();

namespace scalar {
extern const VectorKernels kVector;
}
namespace avx2 {
extern const VectorKernels kVector;
}
namespace avx512 {
extern const VectorKernels kVector;
}
namespace neon {
extern const VectorKernels kVector;
}

}  // namespace stillvec::kernels
