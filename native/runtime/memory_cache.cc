#include "runtime/memory_cache.h"

#include <utility>

namespace stillvec {

MemoryCache::MemoryCache() { free_.reserve(kMostBytes / kLeastBytes); }

std::shared_ptr<MemoryCache> MemoryCache::shared() {
  static std::mutex mutex;
  static std::weak_ptr<MemoryCache> current;
  std::lock_guard lock(mutex);
  std::shared_ptr<MemoryCache> cache = current.lock();
  if (!cache) {
    cache = std::make_shared<MemoryCache>();
    current = cache;
  }
  return cache;
}

Buffer<std::byte> MemoryCache::take(std::size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    for (Buffer<std::byte>& buffer : free_) {
      // A much larger one would hold memory that nobody uses.
      if (buffer.capacity() < bytes || buffer.capacity() / 2 > bytes) continue;
      Buffer<std::byte> found = std::exchange(buffer, std::move(free_.back()));
      free_.pop_back();
      bytes_ -= found.capacity();
      return found;
    }
  }
  return Buffer<std::byte>(bytes);
}

void MemoryCache::give_back(Buffer<std::byte> buffer) {
  const std::size_t bytes = buffer.capacity();
  std::lock_guard lock(mutex_);
  if (bytes < kLeastBytes || bytes > kMostBytes - bytes_) return;
  bytes_ += bytes;
  buffer.give_up_contents();
  free_.push_back(std::move(buffer));
}

}  // namespace stillvec
