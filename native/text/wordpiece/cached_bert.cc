#include "text/wordpiece/cached_bert.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/buffers.h"
#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

constexpr std::size_t kUnitsAtOnce = 64;  // whose entries have room in a level-1 cache

// The bits from `position` on; at least 57 of them are there, the rest are 0.
std::uint64_t bits_from(const std::uint64_t* bits, std::size_t position) {
  std::uint64_t window;
  std::memcpy(&window, reinterpret_cast<const std::uint8_t*>(bits) + position / 8, sizeof window);
  return window >> (position % 8);
}

// Where units begin: each punctuation, and each letter that follows none.
std::size_t find_units(const std::uint64_t* spaces, const std::uint64_t* letters, std::size_t size,
                       std::uint16_t* starts) {
  std::size_t count = 0;
  std::uint64_t carry = 0;
  for (std::size_t block = 0; block * 64 < size; ++block) {
    const std::uint64_t follows_letter = letters[block] << 1 | carry;
    carry = letters[block] >> 63;
    std::uint64_t bits = ~(spaces[block] | (letters[block] & follows_letter));
    for (; bits != 0; bits &= bits - 1) {
      starts[count++] = static_cast<std::uint16_t>(block * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
    }
  }
  return count;
}

// How many letters lie from `start` on, before `size`.
std::size_t letters_from(const std::uint64_t* letters, std::size_t start, std::size_t size) {
  std::size_t end = start;
  while (end < size) {
    const auto run = static_cast<std::size_t>(std::countr_one(bits_from(letters, end)));
    end += run;
    if (run < 57) break;
  }
  return std::min(end, size) - start;
}

// Whether the byte is a character that no normalizer changes.
bool is_plain(std::uint8_t byte) { return byte > ' ' && byte < 0x7f && !(byte >= 'A' && byte <= 'Z'); }

bool is_ascii_separator(std::uint8_t byte) {
  return byte == '\t' || byte == '\n' || byte == '\r' || byte == ' ' ||
         (byte < 0x80 && (unicode::properties(byte) & unicode::kPunctuation));
}

}  // namespace

// Collects ids in a fixed buffer, so that the caller's vector is touched once in a while and not once a word. Whoever
// is done flushes.
class CachedBert::Output {
 public:
  Output(std::uint32_t* buffer, std::vector<std::uint32_t>& ids) : buffer_(buffer), at_(buffer), ids_(ids) {}

  void append(const WordCache::Entry& entry) {
    if (at_ > buffer_ + Scratch::kBufferedIds - WordCache::kMaxIds) flush();
    std::memcpy(at_, entry.ids, sizeof entry.ids);  // all of them: cheaper than to ask how many
    at_ += entry.count;
  }

  void append(const std::vector<std::uint32_t>& ids) {
    flush();
    ids_.insert(ids_.end(), ids.begin(), ids.end());
  }

  std::size_t flush() {
    ids_.insert(ids_.end(), buffer_, at_);
    at_ = buffer_;
    return ids_.size();
  }

 private:
  std::uint32_t* const buffer_;
  std::uint32_t* at_;
  std::vector<std::uint32_t>& ids_;
};

CachedBert::CachedBert(const ExactBert& exact, const kernels::AsciiKernels& kernels)
    : exact_(exact), kernels_(kernels) {
  const std::optional<BertNormalizer>& normalizer = exact.normalizer();
  fold_ = normalizer && normalizer->lowercase;
  dropped_ = normalizer && normalizer->clean_text ? unicode::kDropped : 0;
  separators_ = unicode::kSpace | unicode::kPunctuation;
  if (normalizer && normalizer->handle_chinese_chars) separators_ |= unicode::kIdeograph;
}

void CachedBert::encode(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& ids,
                        std::size_t enough) const {
  Output out(scratch.ids_, ids);
  const std::size_t before = ids.size();
  const std::uint8_t* at = utf8::bytes(text);
  const std::uint8_t* const end = at + text.size();
  while (at < end) {
    const std::size_t left = static_cast<std::size_t>(end - at);
    const std::size_t done = encode_chunk(at, std::min(left, kChunk), left <= kChunk, scratch, out);
    at += done;
    if (done == 0) {
      // One unit fills the whole chunk: it is read where it stands.
      const std::uint8_t* unit_end = std::find_if(at + kChunk, end, is_ascii_separator);
      encode_unit(at, static_cast<std::size_t>(unit_end - at), scratch, out);
      at = unit_end;
    }
    if (at < end && out.flush() - before >= enough) break;
  }
  out.flush();
  release_if_large(scratch.normalized_);
  release_if_large(scratch.missed_);
}

// Returns how many bytes were encoded: without the last unit when that may go on beyond the chunk.
std::size_t CachedBert::encode_chunk(const std::uint8_t* text, std::size_t size, bool last, Scratch& scratch,
                                     Output& out) const {
  kernels_.classify(text, size, fold_, scratch.folded_, scratch.spaces_, scratch.letters_);
  scratch.letters_[(size + 63) / 64] = 0;
  std::size_t units = find_units(scratch.spaces_, scratch.letters_, size, scratch.starts_);
  if (!last && (scratch.letters_[(size - 1) / 64] >> ((size - 1) % 64) & 1)) size = scratch.starts_[--units];

  for (std::size_t i = 0; i < units; i += kUnitsAtOnce) {
    encode_units({scratch.starts_ + i, std::min(units - i, kUnitsAtOnce)}, size, scratch, out);
  }
  return size;
}

// At most kUnitsAtOnce units of the chunk. The cache is larger than those of the processor, and pooling rows empties
// these: all entries are asked for before the first is read.
void CachedBert::encode_units(std::span<const std::uint16_t> starts, std::size_t size, Scratch& scratch,
                              Output& out) const {
  WordCache::Key keys[kUnitsAtOnce];
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto letters = static_cast<std::size_t>(std::countr_one(bits_from(scratch.letters_, starts[i])));
    const std::size_t bytes = letters + (letters == 0);
    if (bytes > WordCache::kMaxBytes) [[unlikely]] {
      keys[i].size = 0;
      continue;
    }
    keys[i] = WordCache::key_of(scratch.folded_ + starts[i], bytes);
    scratch.cache_.prefetch(keys[i]);
  }
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::uint8_t* const unit = scratch.folded_ + starts[i];
    if (keys[i].size == 0) [[unlikely]] {
      encode_unit(unit, letters_from(scratch.letters_, starts[i], size), scratch, out);
    } else if (const WordCache::Entry* entry = scratch.cache_.find(keys[i])) [[likely]] {
      out.append(*entry);
    } else {
      encode_unit(unit, keys[i].size, scratch, out);
    }
  }
}

// A unit that is not in the cache: the bytes between two ASCII separators, or one of them. It is cut further at the
// other separators, and its parts are looked up by themselves.
void CachedBert::encode_unit(const std::uint8_t* unit, std::size_t size, Scratch& scratch, Output& out) const {
  const bool cacheable = size <= WordCache::kMaxBytes;
  std::vector<std::uint32_t>& ids = scratch.missed_;
  ids.clear();
  const auto encode_part = [&](const std::uint8_t* begin, const std::uint8_t* end) {
    encode_segment({begin, end}, begin != unit || end != unit + size, scratch, ids);
    if (cacheable) return;
    out.append(ids);
    ids.clear();
  };

  const std::uint8_t* const end = unit + size;
  const std::uint8_t* segment = unit;
  for (const std::uint8_t* at = unit; at < end;) {
    const utf8::Decoded next = utf8::decode(at, end);
    const std::uint8_t properties = unicode::properties(next.code_point);
    if (!(properties & dropped_) && (properties & separators_)) {
      if (segment < at) encode_part(segment, at);
      if (!(properties & unicode::kSpace)) encode_part(at, at + next.size);
      segment = at + next.size;
    }
    at += next.size;
  }
  if (segment < end) encode_part(segment, end);

  if (!cacheable) return;
  if (ids.size() <= WordCache::kMaxIds) scratch.cache_.insert(WordCache::key_of(unit, size), ids.data(), ids.size());
  out.append(ids);
}

// Appends the ids of bytes with no separator in them, or of one that is a word of its own. `cached`: whether they are
// looked for in the cache and kept there.
void CachedBert::encode_segment(std::span<const std::uint8_t> segment, bool cached, Scratch& scratch,
                                std::vector<std::uint32_t>& ids) const {
  cached = cached && segment.size() <= WordCache::kMaxBytes;
  WordCache::Key key;
  if (cached) {
    std::uint8_t padded[WordCache::kMaxBytes] = {};
    std::copy(segment.begin(), segment.end(), padded);
    key = WordCache::key_of(padded, segment.size());
    if (const WordCache::Entry* entry = scratch.cache_.find(key)) {
      ids.insert(ids.end(), entry->ids, entry->ids + entry->count);
      return;
    }
  }
  const std::size_t before = ids.size();
  if (std::all_of(segment.begin(), segment.end(), is_plain)) {
    exact_.model().tokenize(segment, ids);
  } else {
    exact_.encode({reinterpret_cast<const char*>(segment.data()), segment.size()}, scratch.normalized_, ids);
  }
  const std::size_t count = ids.size() - before;
  if (cached && count <= WordCache::kMaxIds) scratch.cache_.insert(key, ids.data() + before, count);
}

}  // namespace stillvec::text
