#pragma once

#include <napi.h>

namespace stillvec::binding {

void define_document_frequencies(Napi::Env env, Napi::Object exports);

}  // namespace stillvec::binding
