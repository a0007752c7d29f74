#include "binding/rows.h"

#include <cstdint>
#include <string>
#include <utility>

#include "binding/args.h"
#include "binding/row_buffer.h"

namespace stillvec::binding {
namespace {

constexpr std::size_t kMostDim = std::size_t{1} << 31;  // so that the bytes of a row can be counted

napi_typedarray_type array_type(search::RowFormat format) {
  switch (format) {
    case search::RowFormat::kFloat32: return napi_float32_array;
    case search::RowFormat::kInt8:
    case search::RowFormat::kBinary: return napi_int8_array;
    case search::RowFormat::kUint8:
    case search::RowFormat::kUbinary: return napi_uint8_array;
  }
  return napi_float32_array;
}

template <typename T>
SharedBytes bytes_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  const auto bytes = std::as_bytes(array_argument<T>(info, index, name));
  return {nullptr, bytes.data(), bytes.size()};
}

}  // namespace

search::RowFormat format_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "precision");
  if (name == "float32") return search::RowFormat::kFloat32;
  if (name == "int8") return search::RowFormat::kInt8;
  if (name == "uint8") return search::RowFormat::kUint8;
  if (name == "binary") return search::RowFormat::kBinary;
  if (name == "ubinary") return search::RowFormat::kUbinary;
  fail_argument(info.Env(), "expected float32, int8, uint8, binary or ubinary for precision but received " + name);
}

SharedRows rows_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name, search::RowFormat format,
                         std::size_t dim, bool for_threads) {
  search::Rows rows{.dim = dim, .format = format};
  const napi_typedarray_type type = array_type(format);
  const bool is_packed = format == search::RowFormat::kBinary || format == search::RowFormat::kUbinary;
  SharedBytes bytes = for_threads                  ? shared_bytes_value(info[index], name, type)
                      : type == napi_float32_array ? bytes_argument<float>(info, index, name)
                      : type == napi_int8_array    ? bytes_argument<std::int8_t>(info, index, name)
                                                   : bytes_argument<std::uint8_t>(info, index, name);
  const std::size_t row_bytes = rows.row_bytes();
  if (dim > kMostDim || row_bytes == 0 || bytes.size % row_bytes != 0 || (is_packed && dim % 8 != 0)) {
    fail_argument(info.Env(), std::string("expected rows of dim values for ") + name);
  }
  rows.data = bytes.data;
  rows.rows = bytes.size / row_bytes;
  if (rows.rows >= UINT32_MAX) fail(info.Env(), {Code::kUnsupported, "more than 2^32 - 2 rows"});
  return {std::move(bytes.keeper), rows};
}

SharedRows rows_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name, std::size_t dim,
                         bool for_threads) {
  return rows_argument(info, index, name, format_argument(info, index + 1), dim, for_threads);
}

void check_size(Napi::Env env, std::size_t size, std::size_t rows, std::size_t columns, const char* name) {
  if (columns != 0 && rows > SIZE_MAX / columns) fail(env, {Code::kOutOfMemory, "a result too large to address"});
  if (size != rows * columns) fail_argument(env, std::string("expected room for the result in ") + name);
}

}  // namespace stillvec::binding
