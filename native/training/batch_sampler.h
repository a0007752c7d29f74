#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "training/shall_stop.h"
#include "training/token_column.h"

namespace stillvec::training {

enum class SamplerKind { kSequential, kRandom, kNoDuplicates };

// Draws the batches of an epoch as row numbers. kNoDuplicates walks a random permutation and defers a row when any of
// its texts already stands in the batch, in whichever column: in-batch negatives must not be positives. Texts are the
// same when their token ids are, since equal ids have equal embeddings.
//
// An epoch depends on the seed and its number alone. A batch of one row is left out: it has no in-batch negatives.
class BatchSampler {
 public:
  // `columns` must outlive the sampler and have at least one member; `batch_size` >= 2.
  BatchSampler(SamplerKind kind, std::span<const TokenColumn* const> columns, std::size_t batch_size, bool drop_last,
               std::uint64_t seed);

  void begin_epoch(std::uint64_t epoch);

  // The next batch of the epoch; false when it is over, or stopped: where most rows share a text, looking for two that
  // do not takes long.
  bool next(std::vector<std::uint32_t>& batch, const ShallStop& shall_stop = {});

  // The rows that the epoch has left, in the order in which they are considered: begin with restore(remaining()) and
  // the epoch goes on as it would have. `rows` must be different rows of the dataset.
  std::vector<std::uint32_t> remaining() const;
  void restore(std::span<const std::uint32_t> rows);

  std::size_t rows() const { return rows_; }

  // What an epoch gives at most, and without duplicates to defer exactly.
  std::size_t batches_per_epoch() const;

 private:
  static constexpr std::uint32_t kEnd = UINT32_MAX;

  void fill(std::vector<std::uint32_t>& batch);
  void hash_texts();
  bool same_text(std::size_t a, std::size_t b) const;
  bool take_row(std::uint32_t row);
  std::span<const std::uint32_t> text(std::size_t cell) const;

  SamplerKind kind_;
  std::vector<const TokenColumn*> columns_;
  std::size_t rows_ = 0;
  std::size_t batch_size_ = 0;
  bool drop_last_ = false;
  std::uint64_t seed_ = 0;

  // The rows left in this epoch, as a linked list in their random order: deferred ones stay where they are.
  std::vector<std::uint32_t> order_;      // row at a position
  std::vector<std::uint32_t> following_;  // position after a position
  std::uint32_t head_ = kEnd;

  // Cell c is column c % columns of row c / columns.
  std::vector<std::uint64_t> hashes_;

  // Open-addressed set of the cells in the batch; a slot is used when its stamp is the batch's.
  std::vector<std::uint64_t> slot_cell_;
  std::vector<std::uint32_t> slot_stamp_;
  std::uint32_t stamp_ = 0;
};

}  // namespace stillvec::training
