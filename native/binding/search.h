#pragma once

#include <napi.h>

namespace stillvec::binding {

// The functions over embeddings: similarity, similarityPairwise, topK, columnRanges, quantize. They run on the calling
// thread's time, shared out over the pool, and read JavaScript's memory, which cannot change meanwhile.
void define_search(Napi::Env env, Napi::Object exports);

}  // namespace stillvec::binding
