#include "binding/texts.h"

#include <algorithm>
#include <cstring>

#include "binding/args.h"

namespace stillvec::binding {
namespace {

std::size_t utf8_length(napi_env env, napi_value string) {
  std::size_t length = 0;
  if (napi_get_value_string_utf8(env, string, nullptr, 0, &length) != napi_ok) {
    fail_argument(env, "expected a string among the texts");
  }
  return length;
}

// Writes `string` and a NUL to the `size` bytes of `out`.
void write_utf8(napi_env env, napi_value string, char* out, std::size_t size) {
  napi_get_value_string_utf8(env, string, out, size, nullptr);
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
  const Napi::Value joined = info[index];
  const Napi::Value array = info[index + 2];
  if (!array.IsArray() || array.As<Napi::Array>().Length() != count) {
    fail_argument(env, "expected an array of `count` texts");
  }

  TextArena arena;
  arena.gap_ = 1;
  if (count == 0) return arena;
  arena.offsets_.reserve(count + 1);

  // Every text is followed by one NUL, the last one by the terminator that Node-API writes.
  const std::size_t length = utf8_length(env, joined);
  arena.bytes_ = std::make_unique_for_overwrite<char[]>(length + 1);
  write_utf8(env, joined, arena.bytes_.get(), length + 1);
  const char* const begin = arena.bytes_.get();
  const char* const end = begin + length + 1;
  const char* next = begin;
  while (next < end && arena.offsets_.size() <= count) {
    next = static_cast<const char*>(std::memchr(next, 0, static_cast<std::size_t>(end - next))) + 1;
    arena.offsets_.push_back(static_cast<std::uint64_t>(next - begin));
  }
  if (next == end && arena.offsets_.size() == count + 1) return arena;

  // A text holds a NUL of its own.
  const auto texts = array.As<Napi::Array>();
  arena.offsets_.assign(1, 0);
  for (std::uint32_t i = 0; i < count; ++i) {
    Napi::HandleScope scope(env);
    arena.offsets_.push_back(arena.offsets_.back() + utf8_length(env, texts.Get(i)) + 1);
  }
  arena.bytes_ = std::make_unique_for_overwrite<char[]>(arena.offsets_.back());
  for (std::uint32_t i = 0; i < count; ++i) {
    Napi::HandleScope scope(env);
    write_utf8(env, texts.Get(i), arena.bytes_.get() + arena.offsets_[i], arena.offsets_[i + 1] - arena.offsets_[i]);
  }
  return arena;
}

}  // namespace stillvec::binding
