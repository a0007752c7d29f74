#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace stillvec {

// Threads that share out numbered chunks of work. Several jobs may be active at once: a free thread takes its next
// chunk from them in turn, so a small job behind a large one waits for one chunk, not for the job.
//
// A chunk may throw, which means that memory ran out: nothing else in the core throws. The job's other chunks are then
// dropped, those that run are waited for, and whoever started the job hears of it.
class ThreadPool {
 public:
  // Runs chunk `index`. `slot` is below the job's `max_threads` and is held by one thread at a time, so it can index
  // scratch memory.
  using ChunkBody = std::function<void(std::size_t index, unsigned slot)>;

  enum class Outcome { kDone, kCancelled, kOutOfMemory };

  class Job;

  // At most `threads` of them: those that the system grants, which may be none.
  explicit ThreadPool(unsigned threads);
  // Drops chunks that have not begun, waits for those that have, and joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The pool of this process. It lives as long as anyone holds it; its size is STILLVEC_THREADS, else the number of
  // CPUs that this process may run on.
  static std::shared_ptr<ThreadPool> shared();

  // How many chunks of a job can run at once, at least 1.
  unsigned size() const { return std::max(1u, static_cast<unsigned>(threads_.size())); }

  // The same for a job of at most `max_threads` threads (0: all).
  unsigned threads_for(unsigned max_threads) const { return max_threads == 0 ? size() : std::min(max_threads, size()); }

  // Runs body(0) ... body(chunks - 1) on at most `max_threads` threads (0: all), the calling one among them, and
  // returns when all are done. Throws std::bad_alloc where a chunk threw, when no chunk runs any more. Must not be
  // called from a chunk.
  template <typename Body>
  void parallel_for(std::size_t chunks, const Body& body, unsigned max_threads = 0) {
    run_all(chunks, std::cref(body), max_threads);
  }

  // Starts a job and returns. `done(outcome)`, which must not throw, runs once, on a pool thread, after the last chunk
  // that ran; on the calling thread, before this returns, where the pool has no threads. Throws std::bad_alloc when it
  // cannot start the job; then nothing runs.
  std::shared_ptr<Job> submit(std::size_t chunks, ChunkBody body, std::function<void(Outcome)> done,
                              unsigned max_threads = 0);

  // Chunks of `job` that have not begun never will; `done(kCancelled)` follows unless all had begun.
  void cancel(const std::shared_ptr<Job>& job);

 private:
  struct Claim;

  void run_all(std::size_t chunks, const ChunkBody& body, unsigned max_threads);
  void run_worker();
  bool claim(Claim& claim);                                        // under mutex_
  bool claim_from(const std::shared_ptr<Job>& job, Claim& claim);  // under mutex_
  void run(Claim& claim, std::unique_lock<std::mutex>& lock);
  void drop_rest(Job& job, Outcome outcome);  // under mutex_

  std::mutex mutex_;
  std::condition_variable work_;
  std::list<std::shared_ptr<Job>> jobs_;  // those with chunks left; the front one is served next
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace stillvec
