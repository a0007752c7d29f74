#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stillvec::training {

// The batches of an epoch, as row numbers of a source.
struct Batches {
  std::vector<std::uint32_t> rows;  // of all batches, one after the other
  std::vector<std::uint32_t> ends;  // where each batch ends in `rows`

  std::size_t size() const { return ends.size(); }
  std::size_t begin_of(std::size_t batch) const { return batch == 0 ? 0 : ends[batch - 1]; }
  std::span<const std::uint32_t> operator[](std::size_t batch) const {
    return {rows.data() + begin_of(batch), rows.data() + ends[batch]};
  }

  // Of the batch that is being filled.
  std::size_t open_begin() const { return begin_of(size()); }
  std::size_t open_size() const { return rows.size() - open_begin(); }
  void close() { ends.push_back(static_cast<std::uint32_t>(rows.size())); }
  void discard() { rows.resize(open_begin()); }

  void clear() {
    rows.clear();
    ends.clear();
  }
};

}  // namespace stillvec::training
