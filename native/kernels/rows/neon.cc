#include "kernels/simd/neon.h"
#include "kernels/rows/rows.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <cstddef>

namespace stillvec::kernels::neon {

#include "kernels/rows/rows.inl"

}  // namespace stillvec::kernels::neon

#endif
