#include "binding/training_loss.h"

#include <string>
#include <utility>

#include "binding/args.h"
#include "binding/fields.h"

namespace stillvec::binding {
namespace {

training::Settings settings_of(const Napi::Object& object) {
  training::Settings settings;
  settings.kind = string_field(object, "kind");
  const Napi::Array names = object.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    const Napi::Value value = object.Get(name);
    if (value.IsNumber()) {
      settings.values[name] = value.As<Napi::Number>().DoubleValue();
    } else if (value.IsBoolean()) {
      settings.values[name] = value.As<Napi::Boolean>().Value();
    } else if (value.IsString()) {
      settings.values[name] = value.As<Napi::String>().Utf8Value();
    } else if (value.IsArray()) {
      const auto array = value.As<Napi::Array>();
      std::vector<std::string> strings;
      strings.reserve(array.Length());
      for (std::uint32_t k = 0; k < array.Length(); ++k) strings.push_back(array.Get(k).ToString().Utf8Value());
      settings.values[name] = std::move(strings);
    } else {
      fail_argument(object.Env(), "expected a number, a boolean, a string or an array of strings for " + name);
    }
  }
  return settings;
}

training::CriterionTerm term_fields(const Napi::Object& object) {
  training::CriterionTerm term;
  term.objective = settings_of(object_field(object, "objective"));
  term.weight = static_cast<float>(number_field(object, "weight"));
  const Napi::Array dims = array_field(object, "matryoshkaDims");
  const Napi::Array weights = array_field(object, "matryoshkaWeights");
  if (dims.Length() != weights.Length()) fail_argument(object.Env(), "expected as many weights as dims");
  for (std::uint32_t i = 0; i < dims.Length(); ++i) {
    const double dim = dims.Get(i).ToNumber().DoubleValue();
    if (!(dim >= 1 && dim <= 1e9)) fail_argument(object.Env(), "expected positive matryoshkaDims");
    term.matryoshka.push_back({static_cast<std::size_t>(dim), weights.Get(i).ToNumber().FloatValue()});
  }
  term.dims_per_step = integer_field(object, "dimsPerStep");
  return term;
}

}  // namespace

std::vector<training::CriterionTerm> loss_value(const Napi::Value& value) {
  if (!value.IsArray()) fail_argument(value.Env(), "expected an array of terms for a loss");
  const auto loss = value.As<Napi::Array>();
  std::vector<training::CriterionTerm> terms;
  for (std::uint32_t i = 0; i < loss.Length(); ++i) {
    const Napi::Value term = loss.Get(i);
    if (!term.IsObject()) fail_argument(value.Env(), "expected objects for the terms of a loss");
    terms.push_back(term_fields(term.As<Napi::Object>()));
  }
  return terms;
}

training::Precision precision_field(const Napi::Object& object) {
  return string_field(object, "precision") == "bfloat16" ? training::Precision::kBfloat16
                                                         : training::Precision::kFloat32;
}

}  // namespace stillvec::binding
