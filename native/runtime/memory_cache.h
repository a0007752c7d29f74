#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/buffer.h"

namespace stillvec {

// Keeps a few freed buffers for the next ones of about their size: fresh pages cost more than the work that fills
// them, since the kernel clears each. What it keeps is bounded, and the kernel may take it when memory runs short.
class MemoryCache {
 public:
  MemoryCache();

  // The cache of this process; it lives as long as anyone holds it.
  static std::shared_ptr<MemoryCache> shared();

  // At least `bytes` of memory with any contents. Throws std::bad_alloc.
  Buffer<std::byte> take(std::size_t bytes);
  // Takes no memory itself.
  void give_back(Buffer<std::byte> buffer);

 private:
  // Room for what a call of some ten thousand texts gives back.
  static constexpr std::size_t kMostBytes = 128u << 20;
  // Smaller ones come from the allocator's own free lists.
  static constexpr std::size_t kLeastBytes = 128u << 10;

  std::mutex mutex_;
  std::vector<Buffer<std::byte>> free_;  // has room for as many as kMostBytes hold
  std::size_t bytes_ = 0;
};

}  // namespace stillvec
