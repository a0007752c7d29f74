#include "kernels/vector/vector.h"

#include "kernels/target_region.h"

namespace stillvec::kernels {

const VectorKernels& vector_kernels(Isa isa) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return avx512::kVector;
    case Isa::kAvx2: return avx2::kVector;
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return neon::kVector;
#endif
    default: return scalar::kVector;
  }
}

const VectorKernels& vector_kernels() {
  static const VectorKernels& active = vector_kernels(cpu().active);
  return active;
}

}  // namespace stillvec::kernels
