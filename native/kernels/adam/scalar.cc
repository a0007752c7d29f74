#include "kernels/simd/scalar.h"
#include "kernels/adam/adam.h"

#include <cstddef>

namespace stillvec::kernels::scalar {

#include "kernels/adam/adam.inl"

}  // namespace stillvec::kernels::scalar
