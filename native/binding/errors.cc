#include "binding/errors.h"

#include <exception>
#include <new>
#include <stdexcept>

#include "binding/environment.h"

namespace stillvec::binding {
namespace {

const char* code_name(Code code) {
  switch (code) {
    case Code::kOk: break;
    case Code::kInvalidArgument: return "invalid_argument";
    case Code::kOutOfRange: return "out_of_range";
    case Code::kCorrupt: return "corrupt";
    case Code::kUnsupported: return "unsupported";
    case Code::kIo: return "io";
    case Code::kOutOfMemory: return "out_of_memory";
    case Code::kNotFinite: return "not_finite";
    case Code::kAborted: return "aborted";
  }
  return "internal";
}

// The error that JavaScript gets; null, with another thrown, where JavaScript cannot make it.
napi_value make_error(napi_env env, Code code, const char* message, std::size_t size) {
  napi_value name = nullptr, text = nullptr, error = nullptr;
  if (napi_create_string_utf8(env, code_name(code), NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_string_utf8(env, message, size, &text) != napi_ok ||
      napi_create_error(env, name, text, &error) != napi_ok) {
    return nullptr;
  }
  // Only the caller knows the signal whose reason an aborted call is reported by.
  const Environment* environment = Environment::find(env);
  if (code == Code::kAborted || environment == nullptr || environment->error_type.IsEmpty()) return error;
  napi_value type = environment->error_type.Value(), global = nullptr, typed = nullptr;
  if (napi_get_global(env, &global) != napi_ok || napi_call_function(env, global, type, 1, &error, &typed) != napi_ok) {
    return nullptr;
  }
  return typed;
}

void throw_error(napi_env env, Code code, const char* message) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (const napi_value error = make_error(env, code, message, NAPI_AUTO_LENGTH)) napi_throw(env, error);
  napi_close_handle_scope(env, scope);
}

}  // namespace

void fail(Napi::Env env, const Status& status) {
  const napi_value error = make_error(env, status.code, status.message.data(), status.message.size());
  if (error == nullptr) throw Napi::Error::New(env);
  throw Napi::Error(env, error);
}

void throw_caught(napi_env env) noexcept {
  constexpr const char* kNoMemory = "not enough memory for what the call works with or returns";
  try {
    try {
      throw;
    } catch (const Napi::Error& error) {
      error.ThrowAsJavaScriptException();
    } catch (const std::bad_alloc&) {
      throw_error(env, Code::kOutOfMemory, kNoMemory);
    } catch (const std::length_error&) {
      throw_error(env, Code::kOutOfMemory, kNoMemory);
    } catch (const std::exception& error) {
      throw_error(env, Code::kOk, error.what());
    }
  } catch (...) {
    return;  // the environment is ending: nobody hears of it
  }
}

}  // namespace stillvec::binding
