#include "binding/texts.h"

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
  const Napi::Env env = info.Env();
  const Napi::Value joined = info[index];
  const std::size_t count = integer_argument(info, index + 1, "count");
  const Napi::Value array = info[index + 2];
  if (!array.IsArray() || array.As<Napi::Array>().Length() != count) {
    fail_argument(env, "expected an array of `count` texts");
  }

  TextArena arena;
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
