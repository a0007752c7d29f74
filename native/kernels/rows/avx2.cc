#include "kernels/simd/avx2.h"
#include "kernels/rows/rows.h"
#include "kernels/target_region.h"

#if defined(STILLVEC_X86)

#include <cstddef>

STILLVEC_BEGIN_AVX2
namespace stillvec::kernels::avx2 {

#include "kernels/rows/rows.inl"

}  // namespace stillvec::kernels::avx2
STILLVEC_END

#endif
