#include "binding/task.h"

#include <utility>

namespace stillvec::binding {
namespace {

class ThreadTask final : public Task {
 public:
  using Task::Task;

  ~ThreadTask() override {
    if (thread_.joinable()) thread_.join();
  }

  void start(Environment& environment, Work work) {
    thread_ = std::thread([this, &environment, work = std::move(work)]() mutable {
      settle_ = work(cancelled_);
      work = nullptr;
      environment.complete(this);
    });
  }

  void cancel() override { cancelled_ = true; }

 protected:
  Napi::Value settle(Napi::Env env) override { return settle_(env); }

 private:
  std::atomic<bool> cancelled_ = false;
  Settle settle_;
  std::thread thread_;
};

class PoolTask final : public Task {
 public:
  PoolTask(Napi::Env env, Settle settle) : Task(env), settle_(std::move(settle)) {}

  void start(Environment& environment, std::size_t chunks, ThreadPool::ChunkBody body, unsigned max_threads) {
    pool_ = &environment.pool();
    job_ =
        pool_->submit(chunks, std::move(body), [this, &environment](bool) { environment.complete(this); }, max_threads);
  }

  void cancel() override { pool_->cancel(job_); }

 protected:
  Napi::Value settle(Napi::Env env) override { return settle_(env); }

 private:
  Settle settle_;
  ThreadPool* pool_ = nullptr;
  std::shared_ptr<ThreadPool::Job> job_;
};

}  // namespace

Napi::Promise run_on_thread(Napi::Env env, Work work) {
  Environment& environment = Environment::of(env);
  auto task = std::make_shared<ThreadTask>(env);
  environment.begin(task);
  task->start(environment, std::move(work));
  return task->promise();
}

Napi::Promise run_on_pool(Napi::Env env, std::size_t chunks, ThreadPool::ChunkBody body, Settle settle,
                          unsigned max_threads) {
  Environment& environment = Environment::of(env);
  auto task = std::make_shared<PoolTask>(env, std::move(settle));
  environment.begin(task);
  task->start(environment, chunks, std::move(body), max_threads);
  return task->promise();
}

}  // namespace stillvec::binding
