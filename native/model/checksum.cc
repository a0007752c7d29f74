#include "model/checksum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "runtime/random.h"

namespace stillvec::model {
namespace {

constexpr std::size_t kLanes = 8;  // enough for the multiplications of one to hide behind those of the others
constexpr std::size_t kStripe = kLanes * sizeof(std::uint64_t);
constexpr std::uint64_t kOdd = 0x9fb21c651e98df25u;

// The checksum of a block that comes in pieces, of which all but the last are whole stripes.
class Block {
 public:
  Block() {
    for (std::size_t i = 0; i < kLanes; ++i) lanes_[i] = mix64(i);
  }

  void add(std::span<const std::byte> bytes) {
    std::size_t at = 0;
    for (; bytes.size() - at >= kStripe; at += kStripe) add_stripe(bytes.data() + at);
    if (at == bytes.size()) return;
    std::array<std::byte, kStripe> last = {};
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), last.begin());
    add_stripe(last.data());
  }

  std::uint64_t value() const {
    std::uint64_t hash = 0;
    for (const std::uint64_t lane : lanes_) hash = mix64(hash ^ lane);
    return hash;
  }

 private:
  void add_stripe(const std::byte* bytes) {
    std::array<std::uint64_t, kLanes> words;
    std::memcpy(words.data(), bytes, kStripe);
    for (std::size_t i = 0; i < kLanes; ++i) lanes_[i] = std::rotl(lanes_[i] ^ words[i], 29) * kOdd;
  }

  std::array<std::uint64_t, kLanes> lanes_;
};

}  // namespace

Result<std::uint64_t> block_checksum(const File& file, std::uint64_t offset, std::size_t count) {
  constexpr std::size_t kPiece = std::size_t{1} << 15;  // stays in the cache, and fits the stack of any thread
  static_assert(kPiece % kStripe == 0);
  std::array<std::byte, kPiece> piece;
  Block block;
  for (std::size_t done = 0; done < count; done += kPiece) {
    const std::size_t n = std::min(kPiece, count - done);
    if (Status status = file.read(offset + done, n, piece.data()); !status.is_ok()) return status;
    block.add({piece.data(), n});
  }
  return block.value();
}

std::uint64_t combine_checksums(std::span<const std::uint64_t> blocks, std::uint64_t bytes) {
  std::uint64_t hash = 0;
  for (const std::uint64_t block : blocks) hash = mix64(hash ^ block);
  return mix64(hash ^ bytes);
}

std::uint64_t checksum(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0;
  for (std::size_t at = 0; at < bytes.size(); at += kChecksumBlock) {
    Block block;
    block.add(bytes.subspan(at, std::min(kChecksumBlock, bytes.size() - at)));
    hash = mix64(hash ^ block.value());
  }
  return mix64(hash ^ bytes.size());
}

}  // namespace stillvec::model
