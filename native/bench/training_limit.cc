// The limit of training: multiply-adds between registers, on all threads of the pool, in GFLOP/s. The loss's products
// are judged by their share of it.
#include <cstdio>

#include "bench/machine.h"
#include "runtime/thread_pool.h"

int main() {
  const unsigned threads = stillvec::ThreadPool::shared()->size();
  std::printf("{\"float32\":%.1f,\"bfloat16\":%.1f}\n", stillvec::bench::f32_peak(threads),
              stillvec::bench::bf16_peak(threads));
}
