#pragma once

#include <napi.h>

namespace stillvec::binding {

// checksum, checksumFile
void define_checksum(Napi::Env env, Napi::Object exports);

}  // namespace stillvec::binding
