#pragma once

#include <napi.h>

#include "model/pooling.h"

namespace stillvec::binding {

// A NativePooling.
model::Pooling pooling_value(const Napi::Value& value);

}  // namespace stillvec::binding
