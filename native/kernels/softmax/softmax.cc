#include "kernels/softmax/softmax.h"

#include "kernels/target_region.h"

namespace stillvec::kernels {

namespace scalar {
extern const SoftmaxKernels kSoftmax;
}
#if defined(STILLVEC_X86)
namespace avx2 {
extern const SoftmaxKernels kSoftmax;
}
namespace avx512 {
extern const SoftmaxKernels kSoftmax;
}
#elif defined(STILLVEC_NEON)
namespace neon {
extern const SoftmaxKernels kSoftmax;
}
#endif

const SoftmaxKernels& softmax_kernels(Isa isa) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return avx512::kSoftmax;
    case Isa::kAvx2: return avx2::kSoftmax;
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return neon::kSoftmax;
#endif
    default: return scalar::kSoftmax;
  }
}

const SoftmaxKernels& softmax_kernels() { return softmax_kernels(cpu().active); }

}  // namespace stillvec::kernels
