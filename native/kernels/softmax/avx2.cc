#include "kernels/simd/avx2.h"
#include "kernels/softmax/softmax.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstddef>
#include <limits>

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {

#include "kernels/softmax/softmax.inl"

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
