#include "binding/training_source.h"

#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/fields.h"
#include "binding/row_buffer.h"
#include "binding/token_column.h"

namespace stillvec::binding {
namespace {

training::RowValues row_values(const Napi::Value& value, std::size_t rows, const char* name) {
  if (!value.IsObject()) fail_argument(value.Env(), std::string("expected values and their width for ") + name);
  const auto object = value.As<Napi::Object>();
  const std::uint64_t width = integer_field(object, "width");
  SharedBytes bytes = shared_bytes_value(object.Get("values"), name, napi_float32_array);
  const std::span floats(reinterpret_cast<const float*>(bytes.data), bytes.size / sizeof(float));
  if (width == 0 || floats.size() / width != rows || floats.size() % width != 0) {
    fail_argument(value.Env(), std::string("expected ") + name + " of width " + std::to_string(width) + " for " +
                                   std::to_string(rows) + " rows, not " + std::to_string(floats.size()) + " values");
  }
  return {{floats, std::move(bytes.keeper)}, width};
}

std::vector<training::RowValues> guide_values(const Napi::Value& value, std::size_t rows, std::size_t columns) {
  if (!value.IsArray()) fail_argument(value.Env(), "expected an array for each of the guides");
  const auto array = value.As<Napi::Array>();
  if (array.Length() != 0 && array.Length() != columns) {
    fail_argument(value.Env(), "expected guides for all columns");
  }
  std::vector<training::RowValues> guides;
  guides.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) guides.push_back(row_values(array.Get(i), rows, "guides"));
  for (const training::RowValues& guide : guides) {
    if (guide.width != guides.front().width) fail_argument(value.Env(), "expected guides of one width");
  }
  return guides;
}

}  // namespace

training::Source source_value(const Napi::Object& object) {
  const Napi::Env env = object.Env();
  training::Source source;
  const Napi::Array columns = array_field(object, "columns");
  for (std::uint32_t i = 0; i < columns.Length(); ++i) {
    source.columns.push_back(unwrap(env, object_value<TokenColumn>(columns.Get(i), "columns").freeze()));
  }
  const Napi::Value labels = object.Get("labels");
  if (!labels.IsNull()) source.labels = row_values(labels, source.rows(), "labels");
  const Napi::Array guides = array_field(object, "guides");
  for (std::uint32_t i = 0; i < guides.Length(); ++i) {
    source.guides.push_back(guide_values(guides.Get(i), source.rows(), source.columns.size()));
  }
  return source;
}

}  // namespace stillvec::binding
