#include "binding/environment.h"

#include <utility>

namespace stillvec::binding {

Environment& Environment::initialize(Napi::Env env) {
  auto environment = std::make_unique<Environment>(env);
  Environment* raw = environment.get();
  env.SetInstanceData<Environment>(environment.release());
  // Hooks run last in, first out: this one comes before the thread-safe function is torn down.
  napi_add_env_cleanup_hook(env, on_cleanup, raw);
  return *raw;
}

Environment::Environment(Napi::Env env)
    : wake_(Napi::ThreadSafeFunction::New(env, Napi::Function(), "stillvec", 0, 1)) {
  wake_.Unref(env);
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

void Environment::begin(const std::shared_ptr<Task>& task) {
  if (active_.empty()) wake_.Ref(task->deferred_.Env());
  active_.emplace(task.get(), task);
  std::lock_guard lock(mutex_);
  ++running_;
}

void Environment::complete(Task* task) {
  std::lock_guard lock(mutex_);
  completed_.push_back(task);
  if (!closing_) {
    wake_.NonBlockingCall([this](Napi::Env env, Napi::Function) { settle_completed(env); });
  }
  --running_;
  idle_.notify_all();
}

void Environment::settle_completed(Napi::Env env) {
  std::vector<Task*> completed;
  {
    std::lock_guard lock(mutex_);
    completed.swap(completed_);
  }
  for (Task* raw : completed) {
    const std::shared_ptr<Task> task = std::move(active_.extract(raw).mapped());
    if (active_.empty()) wake_.Unref(env);
    Napi::HandleScope scope(env);
    try {
      task->deferred_.Resolve(task->settle(env));
    } catch (const Napi::Error& error) {
      task->deferred_.Reject(error.Value());
    }
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
  lock.unlock();
  environment.active_.clear();
  environment.wake_.Release();
  environment.pool_.reset();
}

}  // namespace stillvec::binding
