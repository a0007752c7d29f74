#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/buffer.h"
#include "runtime/status.h"
#include "training/objective.h"
#include "training/touched_rows.h"

namespace stillvec::training {

// The forward pass: the texts of a batch as weighted means of the table's rows.
class PooledBatch {
 public:
  PooledBatch(ThreadPool& pool, std::size_t table_rows, std::size_t dim, model::Pooling pooling);

  // Takes the batch made of `rows` of every column. kInvalidArgument for no columns or no rows; kOutOfRange for a row
  // or an id that does not exist.
  Status read(const Source& source, std::span<const std::uint32_t> rows);

  // The first `width` columns of the texts that were read.
  Batch pool(const float* table, std::size_t width);

  const TouchedRows& touched() const { return touched_; }
  const TextLayout& layout() const { return layout_; }

 private:
  ThreadPool& pool_;
  const std::size_t dim_;
  TouchedRows touched_;
  TextLayout layout_;
  const Source* source_ = nullptr;
  std::span<const std::uint32_t> rows_;
  std::vector<std::size_t> first_text_;
  Buffer<float> texts_;
};

}  // namespace stillvec::training
