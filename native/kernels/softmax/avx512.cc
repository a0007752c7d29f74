#include "kernels/simd/avx512.h"
#include "kernels/softmax/softmax.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstddef>
#include <limits>

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {

#include "kernels/softmax/softmax.inl"

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
