#pragma once

#include <napi.h>

#include <vector>

#include "training/criterion.h"

namespace stillvec::binding {

// A NativeLoss: what a criterion sums.
std::vector<training::CriterionTerm> loss_value(const Napi::Value& value);

training::Precision precision_field(const Napi::Object& object);

}  // namespace stillvec::binding
