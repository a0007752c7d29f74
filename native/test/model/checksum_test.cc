#include "model/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/random.h"
#include "test/temporary_file.h"

namespace stillvec::model {
namespace {

std::vector<std::byte> random_bytes(std::size_t count) {
  Random random(count);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  return bytes;
}

std::uint64_t file_checksum(const File& file, std::uint64_t offset) {
  std::vector<std::uint64_t> blocks;
  for (std::uint64_t at = offset; at < file.size(); at += kChecksumBlock) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kChecksumBlock, file.size() - at));
    blocks.push_back(block_checksum(file, at, n).value());
  }
  return combine_checksums(blocks, file.size() - offset);
}

TEST(Checksum, IsThatOfTheSameBytesInAFile) {
  for (const std::size_t count : {0u, 1u, 63u, 64u, 65u, 32768u, 40000u, 1048576u, 1048577u, 2500000u}) {
    const std::vector<std::byte> bytes = random_bytes(count + 3);
    const test::TemporaryFile file(bytes);
    const File opened = std::move(File::open(file.path()).value());
    EXPECT_EQ(checksum(std::span(bytes).subspan(3)), file_checksum(opened, 3)) << count;
  }
}

TEST(Checksum, FindsEveryFlippedBit) {
  std::vector<std::byte> bytes = random_bytes(1000);
  const std::uint64_t whole = checksum(bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(checksum(bytes), whole) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST(Checksum, FindsPairsOfFlippedHighBitsMissingZerosAndExchangedWords) {
  std::vector<std::byte> bytes(4096);
  const std::uint64_t whole = checksum(bytes);
  for (std::size_t byte = 7; byte + 64 < bytes.size(); byte += 8) {
    bytes[byte] ^= std::byte{0x80};
    bytes[byte + 64] ^= std::byte{0x80};
    EXPECT_NE(checksum(bytes), whole) << byte;
    bytes[byte] ^= std::byte{0x80};
    bytes[byte + 64] ^= std::byte{0x80};
  }
  EXPECT_NE(checksum(std::span(bytes).subspan(1)), whole);
  bytes = random_bytes(4096);
  const std::uint64_t ordered = checksum(bytes);
  std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + 64);
  EXPECT_NE(checksum(bytes), ordered);
}

}  // namespace
}  // namespace stillvec::model
