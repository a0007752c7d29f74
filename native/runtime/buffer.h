#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "runtime/pages.h"

namespace stillvec {

// Uninitialized memory for plain values, aligned to a cache line, or to a huge page when it is large: a gather of
// 4 KiB rows otherwise misses the TLB at every row.
template <typename T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) { reserve(count); }

  // At least `count` values; the contents are lost when it has to grow. Throws std::bad_alloc.
  void reserve(std::size_t count) {
    if (count <= capacity_) return;
    values_.reset();
    capacity_ = 0;
    if (count > static_cast<std::size_t>(-1) / sizeof(T) - kHugePage) throw std::bad_alloc();
    // From the system where it is large: the allocator would keep what is freed, for each thread that has asked.
    const bool is_large = count * sizeof(T) >= 2 * kHugePage;
    const std::size_t unit = is_large ? kHugePage : kCacheLine;
    const std::size_t bytes = (count * sizeof(T) + unit - 1) / unit * unit;
    void* memory = is_large ? map_huge_pages(bytes) : allocate(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    values_ = {static_cast<T*>(memory), Free{is_large ? bytes : 0}};
    capacity_ = count;
  }

  // Values that are zero. Those of a large buffer take no memory before they are touched, where the system does that.
  static Buffer zeroed(std::size_t count) {
    Buffer buffer(count);
    const bool is_zero = kMappedPagesAreZero && buffer.values_.get_deleter().mapped_bytes > 0;
    if (!is_zero && count > 0) buffer.fill_zero(count);
    return buffer;
  }

  void fill_zero(std::size_t count) { std::memset(static_cast<void*>(values_.get()), 0, count * sizeof(T)); }

  // The contents are no longer needed: the kernel may take the pages until they are next written to.
  void give_up_contents() {
    const std::size_t bytes = capacity_ * sizeof(T) / kHugePage * kHugePage;
    if (bytes > 0) offer_pages(static_cast<void*>(values_.get()), bytes);
  }

  // The memory, with what it holds, as bytes.
  Buffer<std::byte> into_bytes() && {
    Buffer<std::byte> bytes;
    bytes.capacity_ = std::exchange(capacity_, 0) * sizeof(T);
    bytes.values_ = {reinterpret_cast<std::byte*>(values_.release()), {values_.get_deleter().mapped_bytes}};
    return bytes;
  }

  std::size_t capacity() const { return capacity_; }
  T* data() { return values_.get(); }
  const T* data() const { return values_.get(); }
  T& operator[](std::size_t i) { return values_.get()[i]; }
  const T& operator[](std::size_t i) const { return values_.get()[i]; }

 private:
  template <typename U>
  friend class Buffer;

  static constexpr std::size_t kCacheLine = 64;

#if defined(_WIN32)
  static void* allocate(std::size_t bytes) { return _aligned_malloc(bytes, kCacheLine); }
  static void free(void* values) { _aligned_free(values); }
#else
  static void* allocate(std::size_t bytes) { return std::aligned_alloc(kCacheLine, bytes); }
  static void free(void* values) { std::free(values); }
#endif

  struct Free {
    std::size_t mapped_bytes = 0;  // 0: from the allocator

    void operator()(T* values) const {
      if (mapped_bytes > 0) {
        unmap_pages(values, mapped_bytes);
      } else {
        Buffer::free(values);
      }
    }
  };

  std::unique_ptr<T, Free> values_;
  std::size_t capacity_ = 0;
};

}  // namespace stillvec
