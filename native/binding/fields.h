#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "binding/args.h"

// Reading the fields of a config object, checked like arguments.
namespace stillvec::binding {

inline double number_field(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) fail_argument(object.Env(), std::string("expected a number for ") + name);
  return value.As<Napi::Number>().DoubleValue();
}

inline std::uint64_t integer_field(const Napi::Object& object, const char* name) {
  const double number = number_field(object, name);
  if (!(number >= 0 && number <= kMaxSafeInteger) || number != std::floor(number)) {
    fail_argument(object.Env(), std::string("expected a non-negative integer for ") + name);
  }
  return static_cast<std::uint64_t>(number);
}

inline bool boolean_field(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) fail_argument(object.Env(), std::string("expected a boolean for ") + name);
  return value.As<Napi::Boolean>().Value();
}

inline std::string string_field(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) fail_argument(object.Env(), std::string("expected a string for ") + name);
  return value.As<Napi::String>().Utf8Value();
}

inline Napi::Array array_field(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsArray()) fail_argument(object.Env(), std::string("expected an array for ") + name);
  return value.As<Napi::Array>();
}

// A copy: to read the next field may run JavaScript, which may detach the array.
template <typename T>
std::vector<T> array_field_of(const Napi::Object& object, const char* name) {
  const std::span<const T> values = typed_array<T>(object.Get(name), name);
  return {values.begin(), values.end()};
}

inline Napi::Object object_field(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsObject()) fail_argument(object.Env(), std::string("expected an object for ") + name);
  return value.As<Napi::Object>();
}

}  // namespace stillvec::binding
