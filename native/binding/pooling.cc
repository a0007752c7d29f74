#include "binding/pooling.h"

#include <cstdint>
#include <string>

#include "binding/fields.h"

namespace stillvec::binding {

model::Pooling pooling_value(const Napi::Value& value) {
  if (!value.IsObject()) fail_argument(value.Env(), "expected an object for pooling");
  const auto object = value.As<Napi::Object>();
  model::Pooling pooling;
  const std::string weighting = string_field(object, "weighting");
  if (weighting == "sqrt") {
    pooling.weighting = model::Weighting::kSqrt;
  } else if (weighting != "mean") {
    fail_argument(value.Env(), "expected mean or sqrt for weighting but received " + weighting);
  }
  pooling.excluded_ids = array_field_of<std::uint32_t>(object, "excludedIds");
  return pooling;
}

}  // namespace stillvec::binding
