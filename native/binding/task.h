#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "binding/environment.h"

namespace stillvec::binding {

// Makes, on the JavaScript thread, the value that a promise resolves with; throws Napi::Error to reject.
using Settle = std::function<Napi::Value(Napi::Env)>;

Settle settle_undefined();

// Rejects with `status`.
Settle settle_failure(Status status);

// Sets `flag`, which lives in `owner`, until nobody holds what this gives.
inline std::shared_ptr<void> hold(std::shared_ptr<void> owner, bool& flag) {
  flag = true;
  return {&flag, [owner = std::move(owner)](bool* held) { *held = false; }};
}

// Work on a thread of its own, for what is neither short nor divided into chunks. `work` polls the flag where it can
// end early, and may use the pool. Where it throws, there was not enough memory. `in_use` is let go on the JavaScript
// thread, whatever became of the work, before the promise is settled.
using Work = std::function<Settle(const std::atomic<bool>& cancelled)>;
Napi::Value run_on_thread(Napi::Env env, Work work, std::shared_ptr<void> in_use = nullptr);

// Work on the pool: `body` for every chunk, then `settle` (not when a chunk threw or the environment has ended).
Napi::Value run_on_pool(Napi::Env env, std::size_t chunks, ThreadPool::ChunkBody body, Settle settle,
                        unsigned max_threads = 0, std::shared_ptr<void> in_use = nullptr);

}  // namespace stillvec::binding
