#pragma once

#include <napi.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "binding/errors.h"
#include "runtime/thread_pool.h"

namespace stillvec::binding {

class Environment;

// Asynchronous work and the promise that it settles. It holds no JavaScript handle but the promise, and owns or shares
// every byte that its threads touch.
class Task {
 public:
  // `in_use` is let go on the JavaScript thread before the promise is settled.
  explicit Task(std::shared_ptr<void> in_use) : in_use_(std::move(in_use)) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  // Asks the work to end soon. Any thread; may come after the work is done.
  virtual void cancel() = 0;

 protected:
  // Begins the work, which ends with environment.complete(this). Throws where it cannot begin, and then does not
  // complete.
  virtual void start(Environment& environment) = 0;

  // On the JavaScript thread, once the work is done: what the promise resolves with. Throws to reject.
  virtual Napi::Value settle(Napi::Env env) = 0;

 private:
  friend class Environment;
  std::shared_ptr<void> in_use_;
  napi_deferred deferred_ = nullptr;
  Task* next_completed_ = nullptr;
};

// What one Node environment (the main thread or a worker) holds: the shared pool and the tasks in flight. When the
// environment ends, by exit or Worker.terminate(), its tasks are cancelled and waited for.
class Environment {
 public:
  static Environment& initialize(Napi::Env env);
  static Environment& of(Napi::Env env) { return *find(env); }
  static Environment* find(napi_env env);  // null before initialize()

  explicit Environment(Napi::Env env);
  ~Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  ThreadPool& pool() { return *pool_; }

  Napi::FunctionReference table_constructor;
  Napi::FunctionReference error_type;  // makes an error of the addon a public one; may be empty

  // Memory of C++'s that JavaScript sees as an ArrayBuffer which begins at `data`: threads may read it.
  void remember(const void* data, const std::shared_ptr<const void>& memory);
  // What remember() was told of `data`, as long as it lives; else null.
  std::shared_ptr<const void> memory_at(const void* data) const;

  // Starts `task` and keeps it (and the process) alive until its promise, which this gives, is settled.
  Napi::Value run(Napi::Env env, const std::shared_ptr<Task>& task);

  // The work of `task` is done. Any thread, once a task.
  void complete(Task* task);

 private:
  static void on_cleanup(void* self);
  static void on_wake(napi_env env, napi_value, void* self, void*);
  void settle_completed(Napi::Env env);
  void settle(Napi::Env env, Task& task);

  std::shared_ptr<ThreadPool> pool_ = ThreadPool::shared();
  napi_threadsafe_function wake_ = nullptr;
  std::unordered_map<Task*, std::shared_ptr<Task>> active_;               // JavaScript thread only
  std::unordered_map<const void*, std::weak_ptr<const void>> given_out_;  // likewise
  std::size_t most_given_out_ = 64;                                       // from here on, look for expired ones

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
  Task* completed_ = nullptr;  // a list, so that nothing is allocated where nothing can fail; the last first
  bool closing_ = false;
};

}  // namespace stillvec::binding
