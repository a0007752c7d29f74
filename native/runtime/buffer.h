#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#if defined(__linux__)
#include <sys/mman.h>
#endif

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
    const std::size_t alignment = count * sizeof(T) >= 2 * kHugePage ? kHugePage : kCacheLine;
    const std::size_t bytes = (count * sizeof(T) + alignment - 1) / alignment * alignment;
    void* memory = allocate(bytes, alignment);
    if (memory == nullptr) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (alignment == kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    values_.reset(static_cast<T*>(memory));
    capacity_ = count;
  }

  void fill_zero(std::size_t count) { std::memset(static_cast<void*>(values_.get()), 0, count * sizeof(T)); }

  // The contents are no longer needed: the kernel may take the pages until they are next written to.
  void give_up_contents() {
#if defined(__linux__) && defined(MADV_FREE)
    const std::size_t bytes = capacity_ * sizeof(T) / kHugePage * kHugePage;
    if (bytes > 0) madvise(static_cast<void*>(values_.get()), bytes, MADV_FREE);
#endif
  }

  std::size_t capacity() const { return capacity_; }
  T* data() { return values_.get(); }
  const T* data() const { return values_.get(); }
  T& operator[](std::size_t i) { return values_.get()[i]; }
  const T& operator[](std::size_t i) const { return values_.get()[i]; }

 private:
  static constexpr std::size_t kCacheLine = 64;
  static constexpr std::size_t kHugePage = 2u << 20;

#if defined(_WIN32)
  static void* allocate(std::size_t bytes, std::size_t alignment) { return _aligned_malloc(bytes, alignment); }
  struct Free {
    void operator()(T* values) const { _aligned_free(values); }
  };
#else
  static void* allocate(std::size_t bytes, std::size_t alignment) { return std::aligned_alloc(alignment, bytes); }
  struct Free {
    void operator()(T* values) const { std::free(values); }
  };
#endif

  std::unique_ptr<T, Free> values_;
  std::size_t capacity_ = 0;
};

}  // namespace stillvec
