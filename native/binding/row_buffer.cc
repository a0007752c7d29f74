#include "binding/row_buffer.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>

#include "binding/args.h"
#include "binding/environment.h"

namespace stillvec::binding {
namespace {

// Node 20 makes no external ArrayBuffer beyond it, and says so only after it has called the finalizer.
constexpr std::size_t kMostExternal = 0xffffffffu;

// The bytes of a typed array; empty where it is detached.
std::span<std::byte> bytes_of(const Napi::TypedArray& array) {
  void* data = nullptr;
  std::size_t length = 0;
  napi_get_typedarray_info(array.Env(), array, nullptr, &length, &data, nullptr, nullptr);
  if (data == nullptr) return {};
  return {static_cast<std::byte*>(data), length * array.ElementSize()};
}

// The memory behind an array of floats, if a RowBuffer gave it out.
std::shared_ptr<const void> memory_behind(const Napi::TypedArray& array) {
  return Environment::of(array.Env()).memory_at(array.ArrayBuffer().Data());
}

}  // namespace

Napi::Function RowBuffer::define(Napi::Env env) {
  return define_class(env, {
                               instance_method<&RowBuffer::write>("write"),
                               instance_method<&RowBuffer::read>("read"),
                               instance_method<&RowBuffer::take>("take"),
                               instance_method<&RowBuffer::release>("release"),
                           });
}

RowBuffer::RowBuffer(const Napi::CallbackInfo& info)
    : ObjectWrap<RowBuffer>(info), memory_(std::make_shared<Memory>()) {
  const Napi::Env env = info.Env();
  memory_->rows = integer_argument(info, 0, "rows");
  memory_->row_bytes = integer_argument(info, 1, "rowBytes");
  const std::size_t most = static_cast<std::size_t>(kMaxSafeInteger);
  if (memory_->row_bytes != 0 && memory_->rows > most / memory_->row_bytes) {
    fail(env, {Code::kOutOfMemory, "the result would have more than 2^53 bytes"});
  }
  try {
    memory_->bytes = memory_->cache->take(memory_->size());
  } catch (const std::bad_alloc&) {
    fail(env, {Code::kOutOfMemory, "no memory for a result of " + std::to_string(memory_->size()) + " bytes"});
  }
}

// Arguments firstRow, array: whole rows that this memory has. Sets `offset` to where they are in the memory.
std::span<std::byte> RowBuffer::rows_argument(const Napi::CallbackInfo& info, std::size_t& offset) const {
  const Napi::Env env = info.Env();
  const std::size_t first = integer_argument(info, 0, "firstRow");
  if (!info[1].IsTypedArray()) fail_argument(env, "expected a typed array of rows");
  const std::span<std::byte> bytes = bytes_of(info[1].As<Napi::TypedArray>());
  const std::size_t row_bytes = memory_->row_bytes;
  const std::size_t rows = row_bytes == 0 ? 0 : bytes.size() / row_bytes;
  if (rows * row_bytes != bytes.size() || first > memory_->rows || rows > memory_->rows - first) {
    fail(env, {Code::kOutOfRange, "expected an array of whole rows that are in the buffer"});
  }
  offset = first * row_bytes;
  return bytes;
}

// write(firstRow, array): void
Napi::Value RowBuffer::write(const Napi::CallbackInfo& info) {
  std::size_t offset = 0;
  const std::span<const std::byte> source = rows_argument(info, offset);
  if (!source.empty()) std::memcpy(memory_->bytes.data() + offset, source.data(), source.size());
  return info.Env().Undefined();
}

// read(firstRow, array): void
Napi::Value RowBuffer::read(const Napi::CallbackInfo& info) {
  std::size_t offset = 0;
  const std::span<std::byte> target = rows_argument(info, offset);
  if (!target.empty()) std::memcpy(target.data(), memory_->bytes.data() + offset, target.size());
  return info.Env().Undefined();
}

// take(): ArrayBuffer. The buffer has no rows afterwards.
Napi::Value RowBuffer::take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  // V8 allows one ArrayBuffer a piece of memory.
  if (memory_.use_count() > 1) fail_argument(env, "the rows are still in use");
  const std::shared_ptr<Memory> memory = std::exchange(memory_, std::make_shared<Memory>());
  if (memory->size() == 0) return Napi::ArrayBuffer::New(env, 0);
  if (memory->size() > kMostExternal) fail_argument(env, "too many bytes for one ArrayBuffer: read the rows");

  auto keep = std::make_unique<std::shared_ptr<Memory>>(memory);
  napi_value external = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, memory->bytes.data(), memory->size(),
      [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Memory>*>(hint); }, keep.get(), &external);
  if (status == napi_ok) {
    static_cast<void>(keep.release());  // V8 frees it
    Environment::of(env).remember(memory->bytes.data(), memory);
    return Napi::Value(env, external);
  }
  // Electron's sandbox has no external buffers.
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, memory->size());
  std::memcpy(copy.Data(), memory->bytes.data(), memory->size());
  return copy;
}

// release(): void
Napi::Value RowBuffer::release(const Napi::CallbackInfo& info) {
  memory_ = std::make_shared<Memory>();
  return info.Env().Undefined();
}

SharedBytes shared_bytes_value(const Napi::Value& value, const char* name, napi_typedarray_type type) {
  if (!value.IsTypedArray()) {
    const auto& memory = object_value<RowBuffer>(value, name).memory();
    return {memory, memory->bytes.data(), memory->size()};
  }
  const auto array = value.As<Napi::TypedArray>();
  if (array.TypedArrayType() != type) {
    fail_argument(value.Env(), std::string("expected a typed array of another type for ") + name);
  }
  const std::span<const std::byte> bytes = bytes_of(array);
  std::shared_ptr<const void> keeper = memory_behind(array);
  if (keeper == nullptr && !bytes.empty()) {
    fail_argument(value.Env(), std::string("expected rows of C++'s own for ") + name);
  }
  return {std::move(keeper), bytes.data(), bytes.size()};
}

Napi::Value is_shared(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) fail_argument(info.Env(), "expected a typed array");
  return Napi::Boolean::New(info.Env(), memory_behind(info[0].As<Napi::TypedArray>()) != nullptr);
}

}  // namespace stillvec::binding
