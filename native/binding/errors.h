#pragma once

#include <napi.h>

#include <string>
#include <utility>

#include "runtime/status.h"

namespace stillvec::binding {

// Throws `status` into JavaScript: an Error whose `code` is the kind of failure, or what setErrorType()'s function
// makes of it, which is lib/errors.ts's typed error.
[[noreturn]] void fail(Napi::Env env, const Status& status);

[[noreturn]] inline void fail_argument(Napi::Env env, std::string message) {
  fail(env, {Code::kInvalidArgument, std::move(message)});
}

// The value of `result`, or its Status thrown into JavaScript.
template <typename T>
T unwrap(Napi::Env env, Result<T> result) {
  if (!result.is_ok()) fail(env, result.status());
  return std::move(result.value());
}

// In a catch block: throws into JavaScript what was caught. Allocates nothing, for it also tells that memory is short.
void throw_caught(napi_env env) noexcept;

// What `call` gives; null, and an error thrown into JavaScript, where it throws. Every way into the addon leads through
// here, since an exception that left it would end the process.
template <typename Call>
napi_value guarded(napi_env env, Call&& call) noexcept {
  try {
    return call();
  } catch (...) {
    throw_caught(env);
    return nullptr;
  }
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
napi_value guarded_function(napi_env env, napi_callback_info info) noexcept {
  return guarded(env, [&]() -> napi_value { return function(Napi::CallbackInfo(env, info)); });
}

// `function` as a property called `name`.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  napi_value value = nullptr;
  const napi_status status =
      napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded_function<function>, nullptr, &value);
  NAPI_THROW_IF_FAILED_VOID(env, status);
  exports.Set(name, value);
}

}  // namespace stillvec::binding
