#include "kernels/ascii/ascii.h"

#include "kernels/target_region.h"

namespace stillvec::kernels {

const AsciiKernels& ascii_kernels(Isa isa) {
#if defined(STILLVEC_X86)
  if (isa >= Isa::kAvx512) return avx512::kAscii;
  if (isa >= Isa::kAvx2) return avx2::kAscii;
#elif defined(STILLVEC_NEON)
  if (isa == Isa::kNeon) return neon::kAscii;
#endif
  (void)isa;
  return scalar::kAscii;
}

const AsciiKernels& ascii_kernels() { return ascii_kernels(cpu().active); }

}  // namespace stillvec::kernels
