#include "kernels/simd/neon.h"
#include "kernels/softmax/softmax.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_NEON)

#include <cstddef>
#include <limits>

namespace stillvec::kernels::neon {

#include "kernels/softmax/softmax.inl"

}  // namespace stillvec::kernels::neon

#endif
