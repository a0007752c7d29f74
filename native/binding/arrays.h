#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "binding/args.h"

namespace stillvec::binding {

template <typename T>
constexpr const char* array_constructor();
template <>
constexpr const char* array_constructor<float>() {
  return "Float32Array";
}
template <>
constexpr const char* array_constructor<double>() {
  return "Float64Array";
}
template <>
constexpr const char* array_constructor<std::uint8_t>() {
  return "Uint8Array";
}
template <>
constexpr const char* array_constructor<std::uint32_t>() {
  return "Uint32Array";
}

// A new typed array of zeros. A large one is made as JavaScript makes it: that throws where memory is short, while
// Node-API's function, which is quicker, ends the process.
template <typename T>
Napi::TypedArrayOf<T> new_array(Napi::Env env, std::size_t length) {
  constexpr std::size_t kLarge = 1 << 16;
  if (length < kLarge) return Napi::TypedArrayOf<T>::New(env, length);
  const Napi::Value constructor = env.Global().Get(array_constructor<T>());
  const napi_value count = Napi::Number::New(env, static_cast<double>(length));
  napi_value array = nullptr;
  if (napi_new_instance(env, constructor, 1, &count, &array) != napi_ok) {
    const Napi::Error error = Napi::Error::New(env);  // no exception is pending any more
    fail(env, {Code::kOutOfMemory, "no memory for a result of " + std::to_string(length * sizeof(T)) + " bytes"});
  }
  const Napi::Value value(env, array);
  if (typed_array<T>(value, "result").size() != length)
    fail_argument(env, "expected the global typed arrays as they were");
  return value.As<Napi::TypedArrayOf<T>>();
}

}  // namespace stillvec::binding
