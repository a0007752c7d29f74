#include "binding/environment.h"

#include <utility>

namespace stillvec::binding {

Environment& Environment::initialize(Napi::Env env) {
  auto environment = std::make_unique<Environment>(env);
  Environment* raw = environment.get();
  env.SetInstanceData<Environment>(raw);
  static_cast<void>(environment.release());  // the instance data is
  // Hooks run last in, first out: this one comes before the thread-safe function is torn down.
  napi_add_env_cleanup_hook(env, on_cleanup, raw);
  return *raw;
}

Environment* Environment::find(napi_env env) {
  void* data = nullptr;
  return napi_get_instance_data(env, &data) == napi_ok ? static_cast<Environment*>(data) : nullptr;
}

void Environment::remember(const void* data, const std::shared_ptr<const void>& memory) {
  given_out_[data] = memory;
  if (given_out_.size() < most_given_out_) return;
  std::erase_if(given_out_, [](const auto& entry) { return entry.second.expired(); });
  most_given_out_ = 2 * given_out_.size() + 64;
}

std::shared_ptr<const void> Environment::memory_at(const void* data) const {
  const auto found = given_out_.find(data);
  return found == given_out_.end() ? nullptr : found->second.lock();
}

Environment::Environment(Napi::Env env) {
  const napi_status created = napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "stillvec"),
                                                              0, 1, nullptr, nullptr, this, on_wake, &wake_);
  NAPI_THROW_IF_FAILED_VOID(env, created);
  napi_unref_threadsafe_function(env, wake_);
}

Napi::Value Environment::run(Napi::Env env, const std::shared_ptr<Task>& task) {
  napi_value promise = nullptr;
  NAPI_THROW_IF_FAILED(env, napi_create_promise(env, &task->deferred_, &promise));
  {
    std::lock_guard lock(mutex_);
    ++running_;
  }
  try {
    active_.emplace(task.get(), task);
    task->start(*this);
  } catch (...) {
    std::unique_lock lock(mutex_);
    --running_;
    lock.unlock();
    active_.erase(task.get());
    napi_resolve_deferred(env, task->deferred_, env.Undefined());  // of a promise that nobody gets
    throw;
  }
  if (active_.size() == 1) napi_ref_threadsafe_function(env, wake_);
  return Napi::Value(env, promise);
}

void Environment::complete(Task* task) {
  std::lock_guard lock(mutex_);
  task->next_completed_ = completed_;
  completed_ = task;
  if (!closing_) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  --running_;
  idle_.notify_all();
}

void Environment::on_wake(napi_env env, napi_value, void* self, void*) {
  if (env != nullptr) static_cast<Environment*>(self)->settle_completed(env);
}

void Environment::settle_completed(Napi::Env env) {
  Task* latest = nullptr;
  {
    std::lock_guard lock(mutex_);
    latest = std::exchange(completed_, nullptr);
  }
  Task* earliest = nullptr;
  while (latest != nullptr) {
    Task* const task = std::exchange(latest, latest->next_completed_);
    task->next_completed_ = std::exchange(earliest, task);
  }
  while (earliest != nullptr) {
    const std::shared_ptr<Task> task = std::move(active_.extract(earliest).mapped());
    earliest = earliest->next_completed_;
    if (active_.empty()) napi_unref_threadsafe_function(env, wake_);
    settle(env, *task);
  }
}

void Environment::settle(Napi::Env env, Task& task) {
  const Napi::HandleScope scope(env);
  task.in_use_.reset();
  const napi_value value = guarded(env, [&]() -> napi_value { return task.settle(env); });
  napi_value error = nullptr;
  if (value != nullptr) {
    napi_resolve_deferred(env, task.deferred_, value);
  } else if (napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_reject_deferred(env, task.deferred_, error);
  }
}

void Environment::on_cleanup(void* self) {
  Environment& environment = *static_cast<Environment*>(self);
  std::unique_lock lock(environment.mutex_);
  environment.closing_ = true;
  lock.unlock();
  for (const auto& [raw, task] : environment.active_) task->cancel();
  lock.lock();
  environment.idle_.wait(lock, [&] { return environment.running_ == 0; });
  // Bun still delivers the wakes that were under way.
  environment.completed_ = nullptr;
  lock.unlock();
  environment.active_.clear();
  napi_release_threadsafe_function(environment.wake_, napi_tsfn_release);
  environment.pool_.reset();
}

}  // namespace stillvec::binding
