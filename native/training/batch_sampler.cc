#include "training/batch_sampler.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "runtime/random.h"

namespace stillvec::training {

BatchSampler::BatchSampler(SamplerKind kind, std::span<const TokenColumn* const> columns, std::size_t batch_size,
                           bool drop_last, std::uint64_t seed)
    : kind_(kind),
      columns_(columns.begin(), columns.end()),
      rows_(columns.front()->count()),
      batch_size_(batch_size),
      drop_last_(drop_last),
      seed_(seed),
      order_(rows_),
      following_(rows_) {
  if (kind_ != SamplerKind::kNoDuplicates) return;
  hash_texts();
  const std::size_t slots = std::bit_ceil(4 * std::min(batch_size_, rows_) * columns_.size() + 1);
  slot_cell_.resize(slots);
  slot_stamp_.resize(slots, 0);
}

std::size_t BatchSampler::batches_per_epoch() const {
  const std::size_t left = rows_ % batch_size_;
  return rows_ / batch_size_ + (!drop_last_ && left >= 2 ? 1 : 0);
}

std::span<const std::uint32_t> BatchSampler::text(std::size_t cell) const {
  const TokenColumn& column = *columns_[cell % columns_.size()];
  const std::size_t row = cell / columns_.size();
  return {column.ids.data() + column.offsets[row], column.offsets[row + 1] - column.offsets[row]};
}

void BatchSampler::hash_texts() {
  hashes_.resize(rows_ * columns_.size());
  for (std::size_t cell = 0; cell < hashes_.size(); ++cell) {
    std::uint64_t hash = 0;
    for (const std::uint32_t id : text(cell)) hash = mix64(hash ^ id);
    hashes_[cell] = hash;
  }
}

bool BatchSampler::same_text(std::size_t a, std::size_t b) const {
  return hashes_[a] == hashes_[b] && std::ranges::equal(text(a), text(b));
}

// Enters the row's texts into the set, or leaves the set as it was when one of them is there already. Texts that are
// equal within the row do not bar it.
bool BatchSampler::take_row(std::uint32_t row) {
  const std::size_t mask = slot_cell_.size() - 1;
  const std::size_t first = std::size_t{row} * columns_.size();
  for (std::size_t cell = first; cell < first + columns_.size(); ++cell) {
    for (std::size_t slot = hashes_[cell] & mask; slot_stamp_[slot] == stamp_; slot = (slot + 1) & mask) {
      if (same_text(slot_cell_[slot], cell)) return false;
    }
  }
  for (std::size_t cell = first; cell < first + columns_.size(); ++cell) {
    std::size_t slot = hashes_[cell] & mask;
    while (slot_stamp_[slot] == stamp_) slot = (slot + 1) & mask;
    slot_stamp_[slot] = stamp_;
    slot_cell_[slot] = cell;
  }
  return true;
}

std::vector<std::uint32_t> BatchSampler::remaining() const {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t position = head_; position != kEnd; position = following_[position]) {
    rows.push_back(order_[position]);
  }
  return rows;
}

void BatchSampler::restore(std::span<const std::uint32_t> rows) {
  std::ranges::copy(rows, order_.begin());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    following_[i] = i + 1 < rows.size() ? static_cast<std::uint32_t>(i + 1) : kEnd;
  }
  head_ = rows.empty() ? kEnd : 0;
}

void BatchSampler::begin_epoch(std::uint64_t epoch) {
  std::vector<std::uint32_t> rows(rows_);
  std::iota(rows.begin(), rows.end(), 0u);
  if (kind_ != SamplerKind::kSequential) {
    Random random(seed_ + epoch);
    for (std::size_t i = rows_; i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
  }
  restore(rows);
}

bool BatchSampler::next(std::vector<std::uint32_t>& batch, const ShallStop& shall_stop) {
  const std::size_t least = drop_last_ ? batch_size_ : 2;
  while (head_ != kEnd && !(shall_stop && shall_stop())) {
    fill(batch);
    if (batch.size() >= least) return true;
  }
  return false;
}

void BatchSampler::fill(std::vector<std::uint32_t>& batch) {
  batch.clear();
  if (++stamp_ == 0) {
    std::ranges::fill(slot_stamp_, 0);
    stamp_ = 1;
  }
  std::uint32_t* link = &head_;
  while (*link != kEnd && batch.size() < batch_size_) {
    const std::uint32_t position = *link;
    const std::uint32_t row = order_[position];
    if (kind_ == SamplerKind::kNoDuplicates && !take_row(row)) {
      link = &following_[position];
      continue;
    }
    batch.push_back(row);
    *link = following_[position];
  }
}

}  // namespace stillvec::training
