#include "kernels/quantized/quantized.h"

#include "kernels/target_region.h"

namespace stillvec::kernels {

const QuantizedKernels& quantized_kernels(Isa isa) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return cpu().avx512_vnni ? avx512::kQuantized : avx2::kQuantized;
    case Isa::kAvx2: return avx2::kQuantized;
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return neon::kQuantized;
#endif
    default: return scalar::kQuantized;
  }
}

const QuantizedKernels& quantized_kernels() {
  static const QuantizedKernels& active = quantized_kernels(cpu().active);
  return active;
}

}  // namespace stillvec::kernels
