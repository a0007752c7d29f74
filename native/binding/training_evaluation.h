#pragma once

#include <napi.h>

namespace stillvec::binding {

void define_training_evaluation(Napi::Env env, Napi::Object exports);

}  // namespace stillvec::binding
