#include "kernels/simd/avx512.h"
#include "kernels/adam/adam.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstddef>

STILLVEC_BEGIN_AVX512
namespace stillvec::kernels::avx512 {

#include "kernels/adam/adam.inl"

}  // namespace stillvec::kernels::avx512
STILLVEC_END

#endif
