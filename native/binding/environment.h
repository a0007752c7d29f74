#pragma once

#include <napi.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "binding/errors.h"
#include "runtime/thread_pool.h"

namespace stillvec::binding {

class Environment;

// Asynchronous work and the promise that it settles. It holds no JavaScript handle but the promise, and owns or shares
// every byte that its threads touch.
class Task {
 public:
  explicit Task(Napi::Env env) : deferred_(Napi::Promise::Deferred::New(env)) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  Napi::Promise promise() const { return deferred_.Promise(); }

  // Asks the work to end soon. Any thread; may come after the work is done.
  virtual void cancel() = 0;

 protected:
  // On the JavaScript thread, once the work is done: what the promise resolves with. Throws to reject.
  virtual Napi::Value settle(Napi::Env env) = 0;

 private:
  friend class Environment;
  Napi::Promise::Deferred deferred_;
};

// What one Node environment (the main thread or a worker) holds: the shared pool and the tasks in flight. When the
// environment ends, by exit or Worker.terminate(), its tasks are cancelled and waited for.
class Environment {
 public:
  static Environment& initialize(Napi::Env env);
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  explicit Environment(Napi::Env env);
  ~Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  ThreadPool& pool() { return *pool_; }

  Napi::FunctionReference table_constructor;

  // Memory of C++'s that JavaScript sees as an ArrayBuffer which begins at `data`: threads may read it.
  void remember(const void* data, const std::shared_ptr<const void>& memory);
  // What remember() was told of `data`, as long as it lives; else null.
  std::shared_ptr<const void> memory_at(const void* data) const;

  // Keeps `task` (and the process) alive until complete(). On the JavaScript thread, before the work can end.
  void begin(const std::shared_ptr<Task>& task);

  // The work of `task` is done. Any thread, once a task.
  void complete(Task* task);

 private:
  static void on_cleanup(void* self);
  void settle_completed(Napi::Env env);

  std::shared_ptr<ThreadPool> pool_ = ThreadPool::shared();
  Napi::ThreadSafeFunction wake_;
  std::unordered_map<Task*, std::shared_ptr<Task>> active_;               // JavaScript thread only
  std::unordered_map<const void*, std::weak_ptr<const void>> given_out_;  // likewise
  std::size_t most_given_out_ = 64;                                       // from here on, look for expired ones

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
  std::vector<Task*> completed_;
  bool closing_ = false;
};

}  // namespace stillvec::binding
