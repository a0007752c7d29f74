#pragma once

#include <napi.h>

namespace stillvec::binding {

// columnRanges and quantize, which share out over the pool what the calling thread waits for; and the same with Async
// behind the name, which take memory of C++'s own and give a promise.
void define_quantization(Napi::Env env, Napi::Object exports);

}  // namespace stillvec::binding
