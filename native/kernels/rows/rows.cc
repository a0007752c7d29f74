#include "kernels/rows/rows.h"

#include "kernels/target_region.h"

namespace stillvec::kernels {

namespace scalar {
extern const RowKernels kRow;
}
#if defined(STILLVEC_X86)
namespace avx2 {
extern const RowKernels kRow;
}
namespace avx512 {
extern const RowKernels kRow;
}
#elif defined(STILLVEC_NEON)
namespace neon {
extern const RowKernels kRow;
}
#endif

const RowKernels& row_kernels(Isa isa) {
  switch (isa) {
#if defined(STILLVEC_X86)
    case Isa::kAmx:
    case Isa::kAvx512: return avx512::kRow;
    case Isa::kAvx2: return avx2::kRow;
#elif defined(STILLVEC_NEON)
    case Isa::kNeon: return neon::kRow;
#endif
    default: return scalar::kRow;
  }
}

const RowKernels& row_kernels() { return row_kernels(cpu().active); }

}  // namespace stillvec::kernels
