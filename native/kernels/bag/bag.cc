#include "kernels/bag/bag.h"

#include "kernels/target_region.h"

namespace stillvec::kernels {

const BagKernels& bag_kernels(Isa isa) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return avx512::kBag;
    case Isa::kAvx2: return avx2::kBag;
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return neon::kBag;
#endif
    default: return scalar::kBag;
  }
}

const BagKernels& bag_kernels() {
  static const BagKernels& active = bag_kernels(cpu().active);
  return active;
}

}  // namespace stillvec::kernels
