#include "kernels/adam/adam.h"

#include "kernels/target_region.h"

namespace stillvec::kernels {

namespace scalar {
extern const AdamKernels kAdam;
}
#if defined(STILLVEC_X86)
namespace avx2 {
extern const AdamKernels kAdam;
}
namespace avx512 {
extern const AdamKernels kAdam;
}
#elif defined(STILLVEC_NEON)
namespace neon {
extern const AdamKernels kAdam;
}
#endif

const AdamKernels& adam_kernels(Isa isa) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return avx512::kAdam;
    case Isa::kAvx2: return avx2::kAdam;
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return neon::kAdam;
#endif
    default: return scalar::kAdam;
  }
}

const AdamKernels& adam_kernels() { return adam_kernels(cpu().active); }

}  // namespace stillvec::kernels
