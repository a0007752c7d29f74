#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

namespace stillvec {
namespace {

class Latch {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST(ThreadPool, ParallelForRunsEveryChunkOnce) {
  ThreadPool pool(4);
  for (std::size_t chunks : {0u, 1u, 2u, 3u, 100u, 1000u}) {
    std::vector<std::atomic<int>> seen(chunks);
    pool.parallel_for(chunks, [&](std::size_t i, unsigned) { ++seen[i]; });
    for (auto& count : seen) EXPECT_EQ(count, 1);
  }
}

TEST(ThreadPool, SlotsAreHeldByOneThreadAtATime) {
  ThreadPool pool(4);
  for (unsigned most : {1u, 2u, 3u, 4u}) {
    std::vector<std::atomic<int>> holders(most);
    std::atomic<bool> clash = false;
    pool.parallel_for(
        2000,
        [&](std::size_t, unsigned slot) {
          if (slot >= most || holders[slot].fetch_add(1) != 0) clash = true;
          holders[slot].fetch_sub(1);
        },
        most);
    EXPECT_FALSE(clash);
  }
}

TEST(ThreadPool, ASmallJobIsNotKeptWaitingByALargeOne) {
  ThreadPool pool(1);
  Latch small_done, large_done, submitted;
  std::atomic<int> large_chunks = 0;
  int chunks_before_small = -1;
  pool.submit(
      1000,
      [&](std::size_t, unsigned) {
        submitted.wait();
        ++large_chunks;
      },
      [&](ThreadPool::Outcome) { large_done.open(); });
  pool.submit(
      1, [&](std::size_t, unsigned) { chunks_before_small = large_chunks; },
      [&](ThreadPool::Outcome) { small_done.open(); });
  submitted.open();
  small_done.wait();
  EXPECT_LE(chunks_before_small, 2);
  large_done.wait();
  EXPECT_EQ(large_chunks, 1000);
}

TEST(ThreadPool, CancelDropsWhatHasNotBegun) {
  ThreadPool pool(2);
  Latch begun, proceed, done;
  std::atomic<int> ran = 0;
  bool cancelled = false;
  auto job = pool.submit(
      1000,
      [&](std::size_t, unsigned) {
        ++ran;
        begun.open();
        proceed.wait();
      },
      [&](ThreadPool::Outcome outcome) {
        cancelled = outcome == ThreadPool::Outcome::kCancelled;
        done.open();
      });
  begun.wait();
  pool.cancel(job);
  proceed.open();
  done.wait();
  EXPECT_TRUE(cancelled);
  EXPECT_LE(ran, 2);
}

TEST(ThreadPool, CancelBeforeTheFirstChunkStillReports) {
  ThreadPool pool(1);
  Latch proceed, blocked, done;
  pool.submit(
      1,
      [&](std::size_t, unsigned) {
        blocked.open();
        proceed.wait();
      },
      nullptr);
  blocked.wait();
  bool cancelled = false;
  std::atomic<int> ran = 0;
  auto job = pool.submit(
      5, [&](std::size_t, unsigned) { ++ran; },
      [&](ThreadPool::Outcome outcome) {
        cancelled = outcome == ThreadPool::Outcome::kCancelled;
        done.open();
      });
  pool.cancel(job);
  proceed.open();
  done.wait();
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(ran, 0);
}

TEST(ThreadPool, ParallelForThrowsOnceNoChunkRuns) {
  ThreadPool pool(4);
  for (std::size_t thrower : {0u, 1u, 7u, 99u}) {
    std::atomic<int> running = 0;
    const auto body = [&](std::size_t i, unsigned) {
      ++running;
      if (i == thrower) {
        --running;
        throw std::bad_alloc();
      }
      std::this_thread::yield();
      --running;
    };
    EXPECT_THROW(pool.parallel_for(100, body), std::bad_alloc);
    EXPECT_EQ(running, 0);
  }
  std::atomic<int> ran = 0;
  pool.parallel_for(100, [&](std::size_t, unsigned) { ++ran; });
  EXPECT_EQ(ran, 100);
}

TEST(ThreadPool, AJobWhoseChunkThrowsReportsThat) {
  ThreadPool pool(2);
  Latch done;
  std::atomic<ThreadPool::Outcome> outcome = ThreadPool::Outcome::kDone;
  pool.submit(
      1000,
      [](std::size_t i, unsigned) {
        if (i == 3) throw std::length_error("a vector of 2^64 bytes");
      },
      [&](ThreadPool::Outcome o) {
        outcome = o;
        done.open();
      });
  done.wait();
  EXPECT_EQ(outcome, ThreadPool::Outcome::kOutOfMemory);
}

TEST(ThreadPool, WithoutThreadsTheCallingOneDoesTheWork) {
  ThreadPool pool(0);
  EXPECT_EQ(pool.size(), 1u);
  int ran = 0;
  pool.parallel_for(10, [&](std::size_t, unsigned) { ++ran; });
  bool done = false;
  pool.submit(10, [&](std::size_t, unsigned) { ++ran; }, [&](ThreadPool::Outcome) { done = true; });
  EXPECT_TRUE(done);
  EXPECT_EQ(ran, 20);
}

TEST(ThreadPool, JobsFromManyThreadsAtOnce) {
  ThreadPool pool(3);
  std::atomic<int> total = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) pool.parallel_for(20, [&](std::size_t, unsigned) { ++total; });
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 50 * 20);
}

}  // namespace
}  // namespace stillvec
