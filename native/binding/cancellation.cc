#include "binding/cancellation.h"

namespace stillvec::binding {

Napi::Function Cancellation::define(Napi::Env env) {
  return define_class(env, {instance_method<&Cancellation::cancel>("cancel")});
}

Cancellation::Cancellation(const Napi::CallbackInfo& info) : ObjectWrap<Cancellation>(info) {}

Napi::Value Cancellation::cancel(const Napi::CallbackInfo& info) {
  *cancelled_ = true;
  return info.Env().Undefined();
}

}  // namespace stillvec::binding
