#pragma once

#include <cstddef>

namespace stillvec::text {

// Gives a working buffer's memory back when one long text has made it large.
template <typename Container>
void release_if_large(Container& buffer) {
  constexpr std::size_t kKeptElements = 1 << 16;
  if (buffer.capacity() > kKeptElements) buffer = {};
}

}  // namespace stillvec::text
