#pragma once

#include <cstddef>

namespace stillvec {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Memory from the operating system, in huge pages where it has them: a gather of 4 KiB rows otherwise misses the TLB at
// every row. `bytes` is a multiple of kHugePage, and so is the address. nullptr when there is none.
// kMappedPagesAreZero: they hold zeros, which the system writes when they are first touched.
extern const bool kMappedPagesAreZero;
void* map_huge_pages(std::size_t bytes);
void unmap_pages(void* pages, std::size_t bytes);

// Whoever holds these pages no longer needs what they hold: the system may take it until they are next written to.
void offer_pages(void* pages, std::size_t bytes);

}  // namespace stillvec
