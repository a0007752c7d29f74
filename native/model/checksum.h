#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/file.h"
#include "runtime/status.h"

namespace stillvec::model {

// A checksum finds bytes that a disk, a cable or a crash has changed; it is no defence against intent. It is defined
// over blocks, so that threads can share out a large file: the checksum of bytes combines those of their blocks.
//
//     block:   lane[i mod 8] = rotl(lane[i mod 8] ^ word[i], 29) * odd,  for its 8-byte words, the last one zero-padded
//     whole:   for each block, h = mix64(h ^ block); then the number of bytes likewise
//
// Every step is a bijection of what it is given, so a change within one word is always found, and another one is
// missed once in 2^64.
constexpr std::size_t kChecksumBlock = std::size_t{1} << 20;

constexpr std::uint64_t checksum_blocks(std::uint64_t bytes) { return (bytes + kChecksumBlock - 1) / kChecksumBlock; }

// Of bytes [offset, offset + count) of a file, count at most kChecksumBlock.
Result<std::uint64_t> block_checksum(const File& file, std::uint64_t offset, std::size_t count);

// Of `bytes` bytes whose blocks have these checksums.
std::uint64_t combine_checksums(std::span<const std::uint64_t> blocks, std::uint64_t bytes);

// Of bytes in memory.
std::uint64_t checksum(std::span<const std::byte> bytes);

}  // namespace stillvec::model
