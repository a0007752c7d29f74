#pragma once

#include <napi.h>

#include <string>

#include "runtime/status.h"

namespace stillvec::binding {

// `status` as a JavaScript Error whose `code` lib/errors.ts turns into a typed error.
inline Napi::Error to_error(Napi::Env env, const Status& status) {
  const char* code = "internal";
  switch (status.code) {
    case Code::kOk: break;
    case Code::kInvalidArgument: code = "invalid_argument"; break;
    case Code::kOutOfRange: code = "out_of_range"; break;
    case Code::kCorrupt: code = "corrupt"; break;
    case Code::kUnsupported: code = "unsupported"; break;
    case Code::kIo: code = "io"; break;
    case Code::kOutOfMemory: code = "out_of_memory"; break;
    case Code::kAborted: code = "aborted"; break;
  }
  Napi::Error error = Napi::Error::New(env, status.message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

[[noreturn]] inline void fail(Napi::Env env, const Status& status) { throw to_error(env, status); }

[[noreturn]] inline void fail_argument(Napi::Env env, const std::string& message) {
  fail(env, {Code::kInvalidArgument, message});
}

// The value of `result`, or its Status thrown into JavaScript.
template <typename T>
T unwrap(Napi::Env env, Result<T> result) {
  if (!result.is_ok()) fail(env, result.status());
  return std::move(result.value());
}

}  // namespace stillvec::binding
