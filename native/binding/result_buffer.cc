#include "binding/result_buffer.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "binding/args.h"

namespace stillvec::binding {
Napi::Function ResultBuffer::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {
                         InstanceMethod<&ResultBuffer::take>("take"),
                         InstanceMethod<&ResultBuffer::copy_to>("copyTo"),
                     });
}

ResultBuffer::ResultBuffer(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ResultBuffer>(info), memory_(std::make_shared<Memory>()) {
  const Napi::Env env = info.Env();
  memory_->rows = integer_argument(info, 0, "rows");
  memory_->row_bytes = integer_argument(info, 1, "rowBytes");
  const std::size_t most = static_cast<std::size_t>(kMaxSafeInteger);
  if (memory_->row_bytes != 0 && memory_->rows > most / memory_->row_bytes) {
    fail(env, {Code::kOutOfMemory, "the result would have more than 2^53 bytes"});
  }
  const std::size_t size = memory_->rows * memory_->row_bytes;
  try {
    memory_->bytes = memory_->cache->take(size);
  } catch (const std::bad_alloc&) {
    fail(env, {Code::kOutOfMemory, "no memory for a result of " + std::to_string(size) + " bytes"});
  }
  info.This().As<Napi::Object>().TypeTag(&kTypeTag);
}

Napi::Value ResultBuffer::take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t size = memory_->rows * memory_->row_bytes;
  if (size == 0) return Napi::ArrayBuffer::New(env, 0);

  check_finished(env);
  auto keep = std::make_unique<std::shared_ptr<Memory>>(memory_);
  napi_value external = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, memory_->bytes.data(), size,
      [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Memory>*>(hint); }, keep.get(), &external);
  if (status == napi_ok) {
    static_cast<void>(keep.release());  // V8 frees it
    return Napi::Value(env, external);
  }
  // Electron's sandbox has no external buffers.
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, size);
  std::memcpy(copy.Data(), memory_->bytes.data(), size);
  return copy;
}

// copyTo(target: Float32Array | Int8Array | Uint8Array): void
Napi::Value ResultBuffer::copy_to(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  check_finished(env);
  const std::size_t size = memory_->rows * memory_->row_bytes;
  void* data = nullptr;
  std::size_t length = 0;
  if (!info[0].IsTypedArray()) fail_argument(env, "expected a typed array for target");
  const auto target = info[0].As<Napi::TypedArray>();
  napi_get_typedarray_info(env, target, nullptr, &length, &data, nullptr, nullptr);
  if (length * target.ElementSize() != size) fail_argument(env, "expected a target of the result's size");
  if (size > 0) std::memcpy(data, memory_->bytes.data(), size);
  memory_ = std::make_shared<Memory>();
  return env.Undefined();
}

// V8 allows one ArrayBuffer a piece of memory, so a second take() would have to fail.
void ResultBuffer::check_finished(Napi::Env env) const {
  if (memory_.use_count() > 1) fail_argument(env, "the result is still being written, or was taken");
}

}  // namespace stillvec::binding
