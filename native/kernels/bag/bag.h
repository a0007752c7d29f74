#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// A table of token vectors: row r begins at element r * dim.
struct TableView {
  const void* values;   // aligned to its element
  const float* scales;  // one a row for int8, else nullptr
  std::size_t dim;
};

// The tokens of one text. The `ahead` ids behind them are those of the texts that follow: their rows are fetched into
// the cache while this text's are summed.
struct Bag {
  const std::uint32_t* ids;
  std::size_t count;
  std::size_t ahead;
};

// The mean of table rows:
//
//   for c in 0 ... columns - 1:
//     sum = 0                                        f32
//     for i in 0 ... count - 1:                      in this order
//       sum = sum + f32(values[ids[i] * dim + c])    int8: + f32(value) * scales[ids[i]], rounded twice
//     out[c] = sum * (1 / count)
//
// count = 0 gives zeros. columns <= dim; only the first `columns` columns of a row are read. Every ISA gives the same
// bits.
using MeanRows = void (*)(const TableView& table, const Bag& bag, std::size_t columns, float* out);

// Loads the first `bytes` bytes of the rows at values + ids[i] * stride, those that mean_* would load, and does next to
// nothing with them: the sum of all whole 8-byte words, modulo 2^64. No bag can be pooled faster, so a benchmark states
// its share of this.
using ReadRows = std::uint64_t (*)(const void* values, std::size_t stride, std::size_t bytes, const Bag& bag);

struct BagKernels {
  MeanRows mean_f32;
  MeanRows mean_f16;
  MeanRows mean_bf16;
  MeanRows mean_i8;
  ReadRows read_rows;
};

// The kernels of `isa`, which must be supported here; those of the ISA in use.
const BagKernels& bag_kernels(Isa isa);
const BagKernels& bag_kernels();

namespace scalar {
extern const BagKernels kBag;
}
namespace avx2 {
extern const BagKernels kBag;
}
namespace avx512 {
extern const BagKernels kBag;
}
namespace neon {
extern const BagKernels kBag;
}

}  // namespace stillvec::kernels
