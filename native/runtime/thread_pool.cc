#include "runtime/thread_pool.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#endif

namespace stillvec {
namespace {

unsigned available_cpus() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

unsigned default_threads() {
  constexpr long kMost = 1024;
  if (const char* text = std::getenv("STILLVEC_THREADS")) {
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && value >= 1 && value <= kMost) return static_cast<unsigned>(value);
  }
  return available_cpus();
}

}  // namespace

class ThreadPool::Job {
 public:
  Job(std::size_t chunks, ChunkBody body, std::function<void(Outcome)> done, unsigned slots)
      : chunks_(chunks), body_(std::move(body)), done_(std::move(done)), free_slots_(slots) {
    for (unsigned slot = 0; slot < slots; ++slot) free_slots_[slot] = slots - 1 - slot;
  }

 private:
  friend class ThreadPool;

  std::size_t chunks_;
  std::size_t next_ = 0;  // first chunk that has not begun
  std::size_t running_ = 0;
  Outcome outcome_ = Outcome::kDone;
  ChunkBody body_;
  std::function<void(Outcome)> done_;
  std::vector<unsigned> free_slots_;
  std::condition_variable finished_;
};

struct ThreadPool::Claim {
  std::shared_ptr<Job> job;
  std::size_t index = 0;
  unsigned slot = 0;
};

ThreadPool::ThreadPool(unsigned threads) {
  threads_.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) {
    try {
      threads_.emplace_back([this] { run_worker(); });
    } catch (const std::exception&) {
      break;  // a limit on processes, or no memory for a stack
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<ThreadPool> ThreadPool::shared() {
  static std::mutex mutex;
  static std::weak_ptr<ThreadPool> current;
  std::lock_guard lock(mutex);
  std::shared_ptr<ThreadPool> pool = current.lock();
  if (!pool) {
    pool = std::make_shared<ThreadPool>(default_threads());
    current = pool;
  }
  return pool;
}

bool ThreadPool::claim_from(const std::shared_ptr<Job>& job, Claim& claim) {
  if (job->next_ == job->chunks_ || job->free_slots_.empty()) return false;
  claim.job = job;
  claim.index = job->next_++;
  claim.slot = job->free_slots_.back();
  job->free_slots_.pop_back();
  ++job->running_;
  return true;
}

bool ThreadPool::claim(Claim& claim) {
  for (std::size_t i = jobs_.size(); i > 0; --i) {
    const auto job = jobs_.begin();
    const bool claimed = claim_from(*job, claim);
    if ((*job)->next_ < (*job)->chunks_) {
      jobs_.splice(jobs_.end(), jobs_, job);
    } else {
      jobs_.erase(job);
    }
    if (claimed) return true;
  }
  return false;
}

void ThreadPool::drop_rest(Job& job, Outcome outcome) {
  job.outcome_ = outcome;
  job.next_ = job.chunks_;
  jobs_.remove_if([&](const std::shared_ptr<Job>& other) { return other.get() == &job; });
}

void ThreadPool::run(Claim& claim, std::unique_lock<std::mutex>& lock) {
  Job& job = *claim.job;
  lock.unlock();
  bool has_thrown = false;
  try {
    job.body_(claim.index, claim.slot);
  } catch (...) {
    has_thrown = true;
  }
  lock.lock();
  if (has_thrown) drop_rest(job, Outcome::kOutOfMemory);
  --job.running_;
  job.free_slots_.push_back(claim.slot);
  if (job.running_ > 0 || job.next_ < job.chunks_) return;
  job.finished_.notify_all();
  if (!job.done_) return;
  // What the body holds is let go before anyone hears that the job is done.
  ChunkBody body = std::exchange(job.body_, nullptr);
  std::function<void(Outcome)> done = std::exchange(job.done_, nullptr);
  lock.unlock();
  body = nullptr;
  done(job.outcome_);
  done = nullptr;
  lock.lock();
}

void ThreadPool::run_worker() {
  std::unique_lock lock(mutex_);
  for (;;) {
    Claim next;
    work_.wait(lock, [&] { return stopping_ || claim(next); });
    if (!next.job) return;
    run(next, lock);
  }
}

void ThreadPool::run_all(std::size_t chunks, const ChunkBody& body, unsigned max_threads) {
  std::list<std::shared_ptr<Job>> entry;
  if (chunks > 1 && threads_for(max_threads) > 1) {
    try {
      entry.push_back(std::make_shared<Job>(chunks, std::cref(body), nullptr, threads_for(max_threads)));
    } catch (const std::bad_alloc&) {
      entry.clear();  // the calling thread can do it without a job
    }
  }
  if (entry.empty()) {
    for (std::size_t i = 0; i < chunks; ++i) body(i, 0);
    return;
  }
  const std::shared_ptr<Job> job = entry.front();
  std::unique_lock lock(mutex_);
  jobs_.splice(jobs_.end(), entry);
  work_.notify_all();
  Claim mine;
  while (claim_from(job, mine)) run(mine, lock);
  job->finished_.wait(lock, [&] { return job->running_ == 0 && job->next_ == job->chunks_; });
  jobs_.remove(job);
  if (job->outcome_ == Outcome::kOutOfMemory) throw std::bad_alloc();
}

std::shared_ptr<ThreadPool::Job> ThreadPool::submit(std::size_t chunks, ChunkBody body,
                                                    std::function<void(Outcome)> done, unsigned max_threads) {
  if (chunks == 0) body = [](std::size_t, unsigned) {};
  std::list<std::shared_ptr<Job>> entry;
  entry.push_back(std::make_shared<Job>(std::max<std::size_t>(chunks, 1), std::move(body), std::move(done),
                                        threads_for(max_threads)));
  std::shared_ptr<Job> job = entry.front();
  std::unique_lock lock(mutex_);
  if (threads_.empty()) {
    Claim mine;
    while (claim_from(job, mine)) run(mine, lock);
    return job;
  }
  jobs_.splice(jobs_.end(), entry);
  lock.unlock();
  work_.notify_all();
  return job;
}

void ThreadPool::cancel(const std::shared_ptr<Job>& job) {
  std::unique_lock lock(mutex_);
  if (job->next_ == job->chunks_) return;
  if (job->running_ > 0) {
    drop_rest(*job, Outcome::kCancelled);
    return;
  }
  // Nothing of it is running: one empty chunk brings `done` to a pool thread.
  job->outcome_ = Outcome::kCancelled;
  job->next_ = job->chunks_ - 1;
  job->body_ = [](std::size_t, unsigned) {};
}

}  // namespace stillvec
