#include "kernels/simd/neon.h"
#include "kernels/adam/adam.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <cstddef>

namespace stillvec::kernels::neon {

#include "kernels/adam/adam.inl"

}  // namespace stillvec::kernels::neon

#endif
