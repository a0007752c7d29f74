#include "kernels/simd/scalar.h"
#include "kernels/rows/rows.h"

#include <cstddef>

namespace stillvec::kernels::scalar {

#include "kernels/rows/rows.inl"

}  // namespace stillvec::kernels::scalar
