#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "binding/errors.h"
#include "binding/utf8_argument.h"

// Reading arguments. TypeScript has coerced and named them already; these checks are what memory safety needs, since
// JavaScript can call the addon directly.
namespace stillvec::binding {

constexpr double kMaxSafeInteger = 9007199254740991.0;

inline std::uint64_t integer_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  double number = std::nan("");
  napi_get_value_double(info.Env(), info[index], &number);
  if (!(number >= 0 && number <= kMaxSafeInteger) || number != std::floor(number)) {
    fail_argument(info.Env(), std::string("expected a non-negative integer for ") + name);
  }
  return static_cast<std::uint64_t>(number);
}

inline double number_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  double number = 0;
  if (napi_get_value_double(info.Env(), info[index], &number) != napi_ok) {
    fail_argument(info.Env(), std::string("expected a number for ") + name);
  }
  return number;
}

inline bool boolean_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  bool value = false;
  if (napi_get_value_bool(info.Env(), info[index], &value) != napi_ok) {
    fail_argument(info.Env(), std::string("expected a boolean for ") + name);
  }
  return value;
}

inline std::string string_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return std::string(Utf8Argument(info, index, name).text());
}

template <typename T>
constexpr napi_typedarray_type typed_array_type();
template <>
constexpr napi_typedarray_type typed_array_type<float>() {
  return napi_float32_array;
}
template <>
constexpr napi_typedarray_type typed_array_type<double>() {
  return napi_float64_array;
}
template <>
constexpr napi_typedarray_type typed_array_type<std::uint32_t>() {
  return napi_uint32_array;
}
template <>
constexpr napi_typedarray_type typed_array_type<std::int32_t>() {
  return napi_int32_array;
}
template <>
constexpr napi_typedarray_type typed_array_type<std::int64_t>() {
  return napi_bigint64_array;
}
template <>
constexpr napi_typedarray_type typed_array_type<std::uint64_t>() {
  return napi_biguint64_array;
}
template <>
constexpr napi_typedarray_type typed_array_type<std::uint8_t>() {
  return napi_uint8_array;
}
template <>
constexpr napi_typedarray_type typed_array_type<std::int8_t>() {
  return napi_int8_array;
}

// The elements of a typed array, valid until control returns to JavaScript. A detached array is empty.
template <typename T>
std::span<T> typed_array(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != typed_array_type<T>()) {
    fail_argument(value.Env(), std::string("expected a typed array of another type for ") + name);
  }
  auto array = value.As<Napi::TypedArrayOf<T>>();
  T* data = array.Data();
  return data == nullptr ? std::span<T>() : std::span<T>(data, array.ElementLength());
}

template <typename T>
std::span<T> array_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return typed_array<T>(info[index], name);
}

// A copy of a typed array's elements, for what is checked and then used as an index: the array may lie in memory that
// other threads of JavaScript write to, or in that which the results go to.
template <typename T>
std::vector<T> array_copy_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  const std::span<const T> values = array_argument<T>(info, index, name);
  return {values.begin(), values.end()};
}

// The C++ object behind an instance of one of the addon's classes.
template <typename Wrapper>
Wrapper& object_value(const Napi::Value& value, const char* name) {
  Wrapper* object = Wrapper::find(value);
  if (object == nullptr)
    fail_argument(value.Env(), std::string("expected a native ") + Wrapper::kName + " for " + name);
  return *object;
}

template <typename Wrapper>
Wrapper& object_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  return object_value<Wrapper>(info[index], name);
}

}  // namespace stillvec::binding
