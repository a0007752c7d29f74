#pragma once

#include <napi.h>

namespace stillvec::binding {

// The functions over embeddings: similarity, similarityPairwise, topK, rescore and communities, which share out over
// the pool what the calling thread waits for, reading and writing JavaScript's memory; and the same with Async behind
// the name, which take memory of C++'s own (row_buffer.h) and give a promise. Fusion comes in the second form alone.
void define_search(Napi::Env env, Napi::Object exports);

}  // namespace stillvec::binding
