#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "binding/object_wrap.h"
#include "runtime/memory_cache.h"

namespace stillvec::binding {

// new RowBuffer(rows, rowBytes): rows in memory of C++'s own, which threads may read and write whatever JavaScript does
// meanwhile: a transferred or collected ArrayBuffer never leaves them with a dangling pointer.
class RowBuffer : public ObjectWrap<RowBuffer> {
 public:
  static constexpr const char* kName = "RowBuffer";
  static constexpr napi_type_tag kTypeTag = {0xc4a7e2915d083b6f, 0x2e9b64f1d7a0c853};

  // Shared by the JavaScript object, its ArrayBuffer and the work in flight.
  struct Memory {
    std::size_t rows = 0;
    std::size_t row_bytes = 0;
    std::shared_ptr<MemoryCache> cache = MemoryCache::shared();
    Buffer<std::byte> bytes;

    std::size_t size() const { return rows * row_bytes; }
    ~Memory() { cache->give_back(std::move(bytes)); }
  };

  static Napi::Function define(Napi::Env env);
  explicit RowBuffer(const Napi::CallbackInfo& info);

  const std::shared_ptr<Memory>& memory() const { return memory_; }

 private:
  // Copies rows of an array into the memory.
  Napi::Value write(const Napi::CallbackInfo& info);
  // Copies rows of the memory to an array.
  Napi::Value read(const Napi::CallbackInfo& info);
  // The ArrayBuffer over the memory; without a copy where the runtime allows that.
  Napi::Value take(const Napi::CallbackInfo& info);
  // Lets go of the memory now rather than when V8 finds nobody using this object.
  Napi::Value release(const Napi::CallbackInfo& info);

  std::span<std::byte> rows_argument(const Napi::CallbackInfo& info, std::size_t& offset) const;

  std::shared_ptr<Memory> memory_;
};

// Values that threads may read, and what keeps them there.
struct SharedBytes {
  std::shared_ptr<const void> keeper;
  const std::byte* data = nullptr;
  std::size_t size = 0;
};

// The bytes of a RowBuffer, or of a typed array of `type` over memory that a RowBuffer gave out. Refuses any other
// array, whose memory JavaScript may take away.
SharedBytes shared_bytes_value(const Napi::Value& value, const char* name, napi_typedarray_type type);

// isShared(array): boolean. Whether shared_bytes_value() takes it.
Napi::Value is_shared(const Napi::CallbackInfo& info);

}  // namespace stillvec::binding
