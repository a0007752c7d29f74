#include "binding/task.h"

#include <new>
#include <system_error>
#include <utility>

namespace stillvec::binding {
namespace {

class ThreadTask final : public Task {
 public:
  ThreadTask(Work work, std::shared_ptr<void> in_use) : Task(std::move(in_use)), work_(std::move(work)) {}

  ~ThreadTask() override {
    if (thread_.joinable()) thread_.join();
  }

  void cancel() override { cancelled_ = true; }

 protected:
  void start(Environment& environment) override {
    const auto work = [this, &environment] {
      try {
        settle_ = work_(cancelled_);
      } catch (...) {
        settle_ = nullptr;
      }
      work_ = nullptr;
      environment.complete(this);
    };
    try {
      thread_ = std::thread(work);
    } catch (const std::system_error&) {
      work();  // no thread is to be had
    }
  }

  Napi::Value settle(Napi::Env env) override {
    if (!settle_) throw std::bad_alloc();
    return settle_(env);
  }

 private:
  std::atomic<bool> cancelled_ = false;
  Work work_;
  Settle settle_;  // empty: the work threw
  std::thread thread_;
};

class PoolTask final : public Task {
 public:
  PoolTask(std::size_t chunks, ThreadPool::ChunkBody body, Settle settle, unsigned max_threads,
           std::shared_ptr<void> in_use)
      : Task(std::move(in_use)),
        chunks_(chunks),
        body_(std::move(body)),
        settle_(std::move(settle)),
        max_threads_(max_threads) {}

  void cancel() override { pool_->cancel(job_); }

 protected:
  void start(Environment& environment) override {
    pool_ = &environment.pool();
    const auto done = [this, &environment](ThreadPool::Outcome outcome) {
      outcome_ = outcome;
      environment.complete(this);
    };
    job_ = pool_->submit(chunks_, std::move(body_), done, max_threads_);
  }

  Napi::Value settle(Napi::Env env) override {
    if (outcome_ == ThreadPool::Outcome::kOutOfMemory) throw std::bad_alloc();
    return settle_(env);
  }

 private:
  const std::size_t chunks_;
  ThreadPool::ChunkBody body_;
  Settle settle_;
  const unsigned max_threads_;
  ThreadPool* pool_ = nullptr;
  std::shared_ptr<ThreadPool::Job> job_;
  ThreadPool::Outcome outcome_ = ThreadPool::Outcome::kDone;
};

}  // namespace

Settle settle_undefined() {
  return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
}

Settle settle_failure(Status status) {
  return [status = std::move(status)](Napi::Env env) -> Napi::Value { fail(env, status); };
}

Napi::Value run_on_thread(Napi::Env env, Work work, std::shared_ptr<void> in_use) {
  return Environment::of(env).run(env, std::make_shared<ThreadTask>(std::move(work), std::move(in_use)));
}

Napi::Value run_on_pool(Napi::Env env, std::size_t chunks, ThreadPool::ChunkBody body, Settle settle,
                        unsigned max_threads, std::shared_ptr<void> in_use) {
  return Environment::of(env).run(
      env, std::make_shared<PoolTask>(chunks, std::move(body), std::move(settle), max_threads, std::move(in_use)));
}

}  // namespace stillvec::binding
