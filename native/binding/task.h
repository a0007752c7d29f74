#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "binding/environment.h"

namespace stillvec::binding {

// Makes, on the JavaScript thread, the value that a promise resolves with; throws Napi::Error to reject.
using Settle = std::function<Napi::Value(Napi::Env)>;

// Work on a thread of its own, for what is neither short nor divided into chunks. `work` polls the flag where it can
// end early, and may use the pool.
using Work = std::function<Settle(const std::atomic<bool>& cancelled)>;
Napi::Promise run_on_thread(Napi::Env env, Work work);

// Work on the pool: `body` for every chunk, then `settle` (not when the environment has ended).
Napi::Promise run_on_pool(Napi::Env env, std::size_t chunks, ThreadPool::ChunkBody body, Settle settle,
                          unsigned max_threads = 0);

}  // namespace stillvec::binding
