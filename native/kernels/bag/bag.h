#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu.h"

namespace stillvec::kernels {

// Rows of a table or a matrix: row r begins at element r * stride.
struct TableView {
  const void* values;   // aligned to its element
  const float* scales;  // one a row for int8, else nullptr
  std::size_t stride;
};

// A row, by its number, and its weight in a sum.
struct WeightedRow {
  std::uint32_t row;
  float weight;
};

// The rows of one sum, and those that are summed next: these are fetched into the cache meanwhile.
struct Bag {
  const WeightedRow* rows;
  std::size_t count;
  const WeightedRow* next;
  std::size_t next_count;
};

// The weighted sum of rows, times `factor`:
//
//   for c in 0 ... columns - 1:
//     sum = 0                                                  f32
//     for each {row, weight} of the bag:                       in this order
//       value = f32(values[row * stride + c])                  int8: f32(value) * scales[row], rounded
//       sum = fma(weight, value, sum)
//     out[c] = sum * factor
//
// No rows give zeros. Only the first `columns` columns of a row are read. Every ISA gives the same bits.
using SumRows = void (*)(const TableView& table, const Bag& bag, float factor, std::size_t columns, float* out);

// Loads the first `bytes` bytes of the rows at values + row * stride, those that sum_* would load, and does next to
// nothing with them: the sum of all whole 8-byte words, modulo 2^64. No bag can be summed faster, so a benchmark states
// its share of this.
using ReadRows = std::uint64_t (*)(const void* values, std::size_t stride, std::size_t bytes, const Bag& bag);

struct BagKernels {
  SumRows sum_f32;
  SumRows sum_f16;
  SumRows sum_bf16;
  SumRows sum_i8;
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
