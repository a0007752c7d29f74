#include "runtime/pages.h"

#include <cstdint>
#include <cstdlib>

// Sanitizers watch what the allocator gives out, and only that.
#if defined(__SANITIZE_ADDRESS__)
#define STILLVEC_PAGES_FROM_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define STILLVEC_PAGES_FROM_ALLOCATOR 1
#endif
#endif

#if defined(_WIN32)
#include <malloc.h>
#else
#include <sys/mman.h>
#endif

namespace stillvec {

#if defined(_WIN32)

extern const bool kMappedPagesAreZero = false;
void* map_huge_pages(std::size_t bytes) { return _aligned_malloc(bytes, kHugePage); }
void unmap_pages(void* pages, std::size_t) { _aligned_free(pages); }
void offer_pages(void*, std::size_t) {}

#elif defined(STILLVEC_PAGES_FROM_ALLOCATOR)

extern const bool kMappedPagesAreZero = false;
void* map_huge_pages(std::size_t bytes) { return std::aligned_alloc(kHugePage, bytes); }
void unmap_pages(void* pages, std::size_t) { std::free(pages); }
void offer_pages(void*, std::size_t) {}

#else

extern const bool kMappedPagesAreZero = true;

void* map_huge_pages(std::size_t bytes) {
  if (bytes > SIZE_MAX - kHugePage) return nullptr;
  // The system aligns to small pages: map one huge page more, and give back what is before and after.
  const std::size_t mapped = bytes + kHugePage;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(memory);
  const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(begin + before + bytes, kHugePage - before);
#if defined(MADV_HUGEPAGE)
  madvise(begin + before, bytes, MADV_HUGEPAGE);  // advice: where the kernel declines, pages are small
#endif
  return begin + before;
}

void unmap_pages(void* pages, std::size_t bytes) { munmap(pages, bytes); }

void offer_pages([[maybe_unused]] void* pages, [[maybe_unused]] std::size_t bytes) {
#if defined(MADV_FREE)
  madvise(pages, bytes, MADV_FREE);
#endif
}

#endif

}  // namespace stillvec
