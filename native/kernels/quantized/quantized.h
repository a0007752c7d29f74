#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// The most columns, or bytes of bits, of a call: so that no sum overflows.
inline constexpr std::size_t kMostQuantized = std::size_t{1} << 16;

// Sums over rows of bytes, 4 against 4, in integers: the same on every ISA. A pointer may occur more than once, and
// needs no alignment. n is at most kMostQuantized, and may be 0.
struct QuantizedKernels {
  // out[4 * i + j] = sum of a[i][c] * b[j][c]
  void (*dot_tile)(const std::int8_t* const a[4], const std::int8_t* const b[4], std::size_t n, std::int32_t out[16]);

  // out[4 * i + j] = the number of bits in which the n bytes of a[i] and of b[j] differ
  void (*hamming_tile)(const std::uint8_t* const a[4], const std::uint8_t* const b[4], std::size_t n,
                       std::int32_t out[16]);
};

// The kernels of `isa`, which must be supported here; those of the ISA in use. AVX-512 without VPDPBUSD and VPOPCNTQ
// has those of AVX2.
const QuantizedKernels& quantized_kernels(Isa isa);
const QuantizedKernels& quantized_kernels();

namespace scalar {
extern const QuantizedKernels kQuantized;
}
namespace avx2 {
extern const QuantizedKernels kQuantized;
}
namespace avx512 {
extern const QuantizedKernels kQuantized;
}
namespace neon {
extern const QuantizedKernels kQuantized;
}

}  // namespace stillvec::kernels
