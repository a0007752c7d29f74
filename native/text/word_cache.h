#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/prefetch.h"
#include "runtime/buffer.h"

namespace stillvec::text {

// The ids of words seen before, by the bytes of the word: a bounded table of sets of two entries, each a cache line of
// its own. What does not fit in a line is not cached. A set that is full forgets its older entry, so the contents
// depend on what was seen, but an entry found is always that of the very same bytes.
class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 32;  // bytes that key_of() may read at `word`, whatever the size
  static constexpr std::size_t kMaxIds = 7;

  struct alignas(64) Entry {
    std::uint64_t key[4];  // the bytes, then zeros
    std::uint32_t ids[kMaxIds];
    std::uint8_t size;   // of the word in bytes; 0: no entry
    std::uint8_t count;  // of the ids
  };

  // 2^16 entries: 4 MiB. With half of them, three times as many words of English text push each other out.
  static constexpr unsigned kSetBits = 15;

  // A word of 1 to kMaxBytes bytes, and where its entry is if there is one.
  struct Key {
    std::uint64_t parts[4];
    std::size_t set;
    std::size_t size;
  };

  static Key key_of(const std::uint8_t* word, std::size_t size) {
    const std::uint8_t* mask = kOnes + kMaxBytes - size;
    Key key = {{load(word) & load(mask), load(word + 8) & load(mask + 8)}, 0, size};
    std::uint64_t mixed = key.parts[0] * 0x9e3779b97f4a7c15 + key.parts[1] * 0xc2b2ae3d27d4eb4f;
    if (size > 16) {
      key.parts[2] = load(word + 16) & load(mask + 16);
      key.parts[3] = load(word + 24) & load(mask + 24);
      mixed += key.parts[2] * 0xd6e8feb86659fd93 + key.parts[3] * 0xa0761d6478bd642f;
    }
    key.set = mixed >> (64 - kSetBits);
    return key;
  }

  // Asks for the lines that find() will read.
  void prefetch(const Key& key) const { kernels::prefetch(&entries_[key.set * 2], 2 * sizeof(Entry)); }

  // Null when the word is not here.
  const Entry* find(const Key& key) const {
    const Entry* set = &entries_[key.set * 2];
    if (holds(set[0], key)) return &set[0];
    if (holds(set[1], key)) return &set[1];
    return nullptr;
  }

  // For a word that find() did not find, and at most kMaxIds ids.
  void insert(const Key& key, const std::uint32_t* ids, std::size_t count) {
    Entry* set = &entries_[key.set * 2];
    set[1] = set[0];
    std::memcpy(set[0].key, key.parts, sizeof key.parts);
    std::copy_n(ids, count, set[0].ids);
    set[0].size = static_cast<std::uint8_t>(key.size);
    set[0].count = static_cast<std::uint8_t>(count);
  }

 private:
  static std::uint64_t load(const std::uint8_t* p) {
    std::uint64_t value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }

  // kOnes + kMaxBytes - size: as many bytes of ones as the word has, then zeros.
  alignas(64) static constexpr std::uint8_t kOnes[2 * kMaxBytes] = {
      255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
      255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

  static bool holds(const Entry& entry, const Key& key) {
    std::uint64_t difference = (entry.key[0] ^ key.parts[0]) | (entry.key[1] ^ key.parts[1]) | (entry.size ^ key.size);
    if (key.size > 16) difference |= (entry.key[2] ^ key.parts[2]) | (entry.key[3] ^ key.parts[3]);
    return difference == 0;
  }

  // In huge pages: looking up where a small one lies takes as long as reading an entry.
  Buffer<Entry> entries_ = Buffer<Entry>::zeroed(std::size_t{2} << kSetBits);
};

}  // namespace stillvec::text
