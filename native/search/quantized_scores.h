#pragma once

#include <cstddef>

#include "search/rows.h"
#include "search/similarity.h"

namespace stillvec::search {

// Whether the scores of two sides come from their bytes as they are stored: bits against bits of the same kind, and
// int8 against int8 but for kManhattan, of at most 64 KiB a row. All others are scored as f32.
bool are_scored_as_stored(Similarity similarity, const Rows& a, const Rows& b);

// out[i * stride + j] for row a_rows.begin + i of `a` against row b_rows.begin + j of `b`, which are scored as they are
// stored and have one dim. What is summed is summed in integers: with h bits that differ, the values 1 and -1 of a
// binary row have the dot product dim - 2h, the squared distance 4h and the L1 distance 2h.
void quantized_block(Similarity similarity, const Rows& a, RowRange a_rows, const Rows& b, RowRange b_rows, float* out,
                     std::size_t stride);

}  // namespace stillvec::search
