#include "kernels/simd/scalar.h"
#include "kernels/softmax/softmax.h"

#include <cstddef>
#include <limits>

namespace stillvec::kernels::scalar {

#include "kernels/softmax/softmax.inl"

}  // namespace stillvec::kernels::scalar
