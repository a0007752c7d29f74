#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <utility>

#include "runtime/memory_cache.h"

namespace stillvec::binding {

// new ResultBuffer(rows, rowBytes): memory that encode jobs write rows into. It belongs to C++, so that a transferred
// or collected ArrayBuffer never leaves a job with a dangling pointer.
class ResultBuffer : public Napi::ObjectWrap<ResultBuffer> {
 public:
  static constexpr const char* kName = "ResultBuffer";
  static constexpr napi_type_tag kTypeTag = {0xc4a7e2915d083b6f, 0x2e9b64f1d7a0c853};

  // Shared by the JavaScript object, its ArrayBuffer and the jobs in flight.
  struct Memory {
    std::size_t rows = 0;
    std::size_t row_bytes = 0;
    std::shared_ptr<MemoryCache> cache = MemoryCache::shared();
    Buffer<std::byte> bytes;

    ~Memory() { cache->give_back(std::move(bytes)); }
  };

  static Napi::Function define(Napi::Env env);
  explicit ResultBuffer(const Napi::CallbackInfo& info);

  const std::shared_ptr<Memory>& memory() const { return memory_; }

 private:
  // The ArrayBuffer over the memory; without a copy where the runtime allows that.
  Napi::Value take(const Napi::CallbackInfo& info);
  // Copies the memory to an array of the caller's and gives it back.
  Napi::Value copy_to(const Napi::CallbackInfo& info);
  void check_finished(Napi::Env env) const;

  std::shared_ptr<Memory> memory_;
};

}  // namespace stillvec::binding
