#include "runtime/memory_cache.h"

#include <gtest/gtest.h>

#include <utility>

namespace stillvec {
namespace {

constexpr std::size_t kMegabyte = 1u << 20;

TEST(MemoryCache, GivesOutWhatCameBack) {
  MemoryCache cache;
  Buffer<std::byte> first = cache.take(8 * kMegabyte);
  const std::byte* address = first.data();
  cache.give_back(std::move(first));
  Buffer<std::byte> smaller = cache.take(6 * kMegabyte);
  EXPECT_EQ(smaller.data(), address);
  EXPECT_NE(cache.take(6 * kMegabyte).data(), address);
}

TEST(MemoryCache, DoesNotGiveOutFarMoreThanIsAskedFor) {
  MemoryCache cache;
  Buffer<std::byte> large = cache.take(8 * kMegabyte);
  cache.give_back(std::move(large));
  EXPECT_LT(cache.take(3 * kMegabyte).capacity(), 8 * kMegabyte);
  EXPECT_GE(cache.take(9 * kMegabyte).capacity(), 9 * kMegabyte);
}

TEST(MemoryCache, KeepsABoundedAmount) {
  MemoryCache cache;
  Buffer<std::byte> huge = cache.take(200 * kMegabyte);
  const std::byte* address = huge.data();
  Buffer<std::byte> other = cache.take(200 * kMegabyte);
  cache.give_back(std::move(huge));
  Buffer<std::byte> fresh = cache.take(199 * kMegabyte);
  EXPECT_EQ(fresh.capacity(), 199 * kMegabyte) << "a buffer of " << static_cast<const void*>(address) << " was kept";
}

TEST(MemoryCache, IsOneForTheProcessWhileItIsHeld) {
  const auto held = MemoryCache::shared();
  EXPECT_EQ(MemoryCache::shared(), held);
}

}  // namespace
}  // namespace stillvec
