#pragma once

#include <cstddef>

namespace stillvec::kernels {

// Asks for the cache lines of `bytes` bytes that will be read soon.
inline void prefetch([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(__GNUC__)
  constexpr std::size_t kLine = 64;
  for (std::size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(static_cast<const char*>(memory) + i);
#endif
}

// Asks for the cache lines of `bytes` bytes that will be written soon.
inline void prefetch_for_write([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(__GNUC__)
  constexpr std::size_t kLine = 64;
  for (std::size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(static_cast<const char*>(memory) + i, 1);
#endif
}

}  // namespace stillvec::kernels
