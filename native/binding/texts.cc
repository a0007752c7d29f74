#include "binding/texts.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "binding/args.h"
#include "runtime/buffer.h"
#include "text/unicode/utf16.h"

namespace stillvec::binding {
namespace {

// The UTF-16 units of `string` and a NUL: V8 copies them far faster than it makes UTF-8. Valid until the next call.
std::span<const char16_t> read_units(napi_env env, napi_value string, Buffer<char16_t>& units) {
  std::size_t length = 0;
  if (napi_get_value_string_utf16(env, string, nullptr, 0, &length) != napi_ok) {
    fail_argument(env, "expected a string among the texts");
  }
  units.reserve(length + 1);
  napi_get_value_string_utf16(env, string, units.data(), length + 1, nullptr);
  return {units.data(), length + 1};
}

}  // namespace

TextArena TextArena::read(const Napi::CallbackInfo& info, std::size_t index) {
  const std::size_t count = integer_argument(info, index + 1, "count");
  return info[index].IsTypedArray() ? read_utf8(info, index, count) : read_strings(info, index, count);
}

TextArena TextArena::read_utf8(const Napi::CallbackInfo& info, std::size_t index, std::size_t count) {
  const Napi::Env env = info.Env();
  const std::span<const std::uint8_t> bytes = array_argument<std::uint8_t>(info, index, "bytes");
  TextArena arena;
  const bool is_wide =
      info[index + 2].IsTypedArray() && info[index + 2].As<Napi::TypedArray>().TypedArrayType() == napi_bigint64_array;
  if (is_wide) {
    const auto offsets = array_argument<std::int64_t>(info, index + 2, "offsets");
    arena.offsets_.assign(offsets.begin(), offsets.end());
  } else {
    const auto offsets = array_argument<std::int32_t>(info, index + 2, "offsets");
    arena.offsets_.assign(offsets.begin(), offsets.end());
  }
  if (arena.offsets_.size() != count + 1 || !std::ranges::is_sorted(arena.offsets_) ||
      arena.offsets_.back() > bytes.size()) {
    fail_argument(env, "expected one more offset than texts, rising, within the bytes");
  }
  const std::uint64_t first = arena.offsets_.front(), size = arena.offsets_.back() - first;
  arena.bytes_ = std::make_unique_for_overwrite<char[]>(size);
  if (size > 0) std::memcpy(arena.bytes_.get(), bytes.data() + first, size);
  for (std::uint64_t& offset : arena.offsets_) offset -= first;
  return arena;
}

TextArena TextArena::read_strings(const Napi::CallbackInfo& info, std::size_t index, std::size_t count) {
  const Napi::Env env = info.Env();
  const Napi::Value pieces = info[index], texts = info[index + 2];
  if (!pieces.IsArray() || !texts.IsArray() || texts.As<Napi::Array>().Length() != count) {
    fail_argument(env, "expected an array of joined texts and one of `count` texts");
  }
  TextArena arena;
  arena.gap_ = 1;
  arena.append_strings(pieces.As<Napi::Array>());
  arena.offsets_.reserve(count + 1);

  // A NUL follows every text.
  const char* const begin = arena.bytes_.get();
  const char* const end = begin + arena.size_;
  const char* next = begin;
  while (next < end && arena.offsets_.size() <= count) {
    next = static_cast<const char*>(std::memchr(next, 0, static_cast<std::size_t>(end - next))) + 1;
    arena.offsets_.push_back(static_cast<std::uint64_t>(next - begin));
  }
  if (next == end && arena.offsets_.size() == count + 1) return arena;

  // A text holds a NUL of its own.
  arena.size_ = 0;
  arena.offsets_ = arena.append_strings(texts.As<Napi::Array>());
  return arena;
}

// Appends the strings, each with a NUL after it; returns where each begins, and the end.
std::vector<std::uint64_t> TextArena::append_strings(const Napi::Array& strings) {
  const Napi::Env env = strings.Env();
  const std::uint32_t count = strings.Length();
  std::vector<std::uint64_t> bounds = {size_};
  bounds.reserve(count + std::size_t{1});
  Buffer<char16_t> buffer;
  for (std::uint32_t i = 0; i < count; ++i) {
    Napi::HandleScope scope(env);
    const std::span<const char16_t> units = read_units(env, strings.Get(i), buffer);
    const std::size_t bound = text::utf16::utf8_size_bound(units), most = size_ + bound;
    if (most > capacity_) grow(room_for(most, bound, count - i - 1));
    size_ += text::utf16::to_utf8(units, reinterpret_cast<std::uint8_t*>(bytes_.get()) + size_);
    bounds.push_back(size_);
  }
  return bounds;
}

// Room for `size` bytes and for `rest` more strings as long as one of `bound` bytes: that saves growing again where all
// are about as long. Where this one is far longer than the others, no more than a limit, or twice what there is.
std::size_t TextArena::room_for(std::size_t size, std::size_t bound, std::size_t rest) const {
  constexpr std::size_t kMostAhead = 16 << 20;
  const std::size_t most = std::max(kMostAhead, capacity_);
  return size + (rest == 0 ? 0 : std::min(bound, most / rest) * rest);
}

void TextArena::grow(std::size_t capacity) {
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(bytes.get(), bytes_.get(), size_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

}  // namespace stillvec::binding
