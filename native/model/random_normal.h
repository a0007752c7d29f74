#pragma once

#include <cstddef>
#include <cstdint>

namespace stillvec::model {

// Writes values [2 * first_pair, 2 * first_pair + 2 * pairs) of the sequence of N(0, 1) values that `seed` names.
// A value depends on its place and the seed alone, and is made of operations that IEEE 754 rounds in one way, so
// any split over threads and any machine give the same bits.
void fill_normal(std::uint64_t seed, std::uint64_t first_pair, std::size_t pairs, float* out);

}  // namespace stillvec::model
