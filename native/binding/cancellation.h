#pragma once

#include <napi.h>

#include <atomic>
#include <memory>

#include "binding/object_wrap.h"

namespace stillvec::binding {

// new Cancellation(): the addon's end of an AbortSignal. Work that was given it and polls it ends soon after cancel().
class Cancellation : public ObjectWrap<Cancellation> {
 public:
  static constexpr const char* kName = "Cancellation";
  static constexpr napi_type_tag kTypeTag = {0x4d1b7f02c96ea835, 0xb87c20e5f19d436a};

  using Flag = std::shared_ptr<const std::atomic<bool>>;

  static Napi::Function define(Napi::Env env);
  explicit Cancellation(const Napi::CallbackInfo& info);

  Flag flag() const { return cancelled_; }

 private:
  Napi::Value cancel(const Napi::CallbackInfo& info);

  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace stillvec::binding
