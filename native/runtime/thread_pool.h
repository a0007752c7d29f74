#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace stillvec {

// A fixed set of threads that share out numbered chunks of work. Several jobs may be active at once: a free thread
// takes its next chunk from them in turn, so a small job behind a large one waits for one chunk, not for the job.
class ThreadPool {
 public:
  // Runs chunk `index`. `slot` is below the job's `max_threads` and is held by one thread at a time, so it can index
  // scratch memory. Must not throw.
  using ChunkBody = std::function<void(std::size_t index, unsigned slot)>;

  class Job;

  // `threads` >= 1.
  explicit ThreadPool(unsigned threads);
  // Drops chunks that have not begun, waits for those that have, and joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The pool of this process. It lives as long as anyone holds it; its size is STILLVEC_THREADS, else the number of
  // CPUs that this process may run on.
  static std::shared_ptr<ThreadPool> shared();

  unsigned size() const { return static_cast<unsigned>(threads_.size()); }

  // Runs body(0) ... body(chunks - 1) on at most `max_threads` threads (0: all), the calling one among them, and
  // returns when all are done. Must not be called from a chunk.
  void parallel_for(std::size_t chunks, const ChunkBody& body, unsigned max_threads = 0);

  // Starts a job and returns. `done(cancelled)` runs once, on a pool thread, after the last chunk that ran.
  std::shared_ptr<Job> submit(std::size_t chunks, ChunkBody body, std::function<void(bool cancelled)> done,
                              unsigned max_threads = 0);

  // Chunks of `job` that have not begun never will; `done(true)` follows unless all had begun.
  void cancel(const std::shared_ptr<Job>& job);

 private:
  struct Claim;

  void run_worker();
  bool claim(Claim& claim);                                        // under mutex_
  bool claim_from(const std::shared_ptr<Job>& job, Claim& claim);  // under mutex_
  void run(Claim& claim, std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::shared_ptr<Job>> jobs_;  // those with chunks left; the front one is served next
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace stillvec
