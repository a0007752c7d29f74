#pragma once

#include <string_view>

namespace stillvec {

// The instruction sets that kernels are written for, in the order in which they are preferred on one architecture.
// kAvx512 stands for F, BW, CD, DQ and VL; kAmx for kAvx512 with AMX-TILE and AMX-BF16 usable by this process.
enum class Isa { kScalar, kNeon, kAvx2, kAvx512, kAmx };

struct CpuFeatures {
  Isa best = Isa::kScalar;    // what the machine has
  Isa active = Isa::kScalar;  // `best`, capped by STILLVEC_MAX_ISA
  bool avx512_bf16 = false;   // VDPBF16PS, when `active` is kAvx512 or above
  bool avx512_vnni = false;   // VPDPBUSD and VPOPCNTQ, when `active` is kAvx512 or above
  bool neon_bf16 = false;     // BFMMLA, when `active` is kNeon
};

// Detected once, on first use, under the environment's STILLVEC_MAX_ISA.
const CpuFeatures& cpu();

// What cpu() holds under STILLVEC_MAX_ISA=max_isa. A name of another architecture leaves the scalar kernels; no name,
// or one that is none of isa_name()'s, caps nothing.
CpuFeatures detect_cpu(std::string_view max_isa);

std::string_view isa_name(Isa isa);

// Whether kernels of this ISA can run here. Asks the machine, not STILLVEC_MAX_ISA: tests and benchmarks use it to
// run every kernel that the hardware has.
bool isa_supported(Isa isa);

}  // namespace stillvec
