#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/bag/bag.h"
#include "model/pooling.h"

namespace stillvec::model {

// Finds the distinct tokens of one text after the other, and weighs them. 4 bytes of memory a row of the table. Not
// thread-safe.
class DistinctRows {
 public:
  struct Text {
    std::size_t count = 0;  // of its distinct rows
    float divisor = 0.0f;   // the sum of their weights
  };

  DistinctRows(const Pooling& pooling, std::size_t table_rows);

  // Writes the rows of a text's tokens to `out`, which has room for all of them: each once, in the order of first
  // appearance, with its weight. Every id must be below the table's rows.
  Text weigh(std::span<const std::uint32_t> ids, kernels::WeightedRow* out);

 private:
  const Weighting weighting_;
  // Where a row stands in `out`, if that place is taken and has this row: so nothing has to be cleared between texts.
  // Rows that are excluded have a place that never is.
  std::vector<std::uint32_t> places_;
};

}  // namespace stillvec::model
