#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/zipf.h"
#include "kernels/bag/bag.h"
#include "model/embedding_table.h"
#include "runtime/cpu.h"
#include "runtime/thread_pool.h"

// Pooling at full size: 30,522 x 1024 tables, which no cache holds, and ids by Zipf's law. Beside each rate stands
// `roofline`, that of a loop which only reads the same bytes, measured in turns with it, and the share reached.
namespace stillvec {
namespace {

using kernels::Bag;
using kernels::BagKernels;
using model::Dtype;
using model::EmbeddingTable;

constexpr std::size_t kRows = 30522, kDim = 1024;
constexpr std::size_t kTokens = 16384;  // of one iteration
constexpr std::size_t kAhead = 64;

const EmbeddingTable& table_of(Dtype dtype) {
  static const std::shared_ptr<ThreadPool> pool = ThreadPool::shared();
  static const std::shared_ptr<const EmbeddingTable> f32 = EmbeddingTable::random(kRows, kDim, 1, pool.get()).value();
  static const std::shared_ptr<const EmbeddingTable> narrow[] = {f32->convert(Dtype::kF16, *pool).value(),
                                                                 f32->convert(Dtype::kBf16, *pool).value(),
                                                                 f32->convert(Dtype::kI8, *pool).value()};
  switch (dtype) {
    case Dtype::kF32: return *f32;
    case Dtype::kF16: return *narrow[0];
    case Dtype::kBf16: return *narrow[1];
    case Dtype::kI8: return *narrow[2];
  }
  return *f32;
}

kernels::MeanRows kernel_of(const BagKernels& bag, Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32: return bag.mean_f32;
    case Dtype::kF16: return bag.mean_f16;
    case Dtype::kBf16: return bag.mean_bf16;
    case Dtype::kI8: return bag.mean_i8;
  }
  return bag.mean_f32;
}

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void pool_bags(benchmark::State& state, Isa isa, Dtype dtype, std::size_t columns, std::size_t length) {
  const BagKernels& kernels = kernels::bag_kernels(isa);
  const kernels::MeanRows mean = kernel_of(kernels, dtype);
  const EmbeddingTable& table = table_of(dtype);
  const std::size_t size = dtype_size(dtype);
  static const std::vector<std::uint32_t> ids = bench::zipf_ids(kRows, 64 * kTokens + kAhead);
  const std::size_t texts = kTokens / length;
  std::vector<float> out(texts * columns);

  std::size_t run = 0;
  double reading = 0.0, pooling = 0.0;
  for (auto _ : state) {
    const std::uint32_t* read_ids = ids.data() + (2 * run % 64) * kTokens;
    const std::uint32_t* pool_ids = ids.data() + ((2 * run + 1) % 64) * kTokens;
    ++run;
    const double start = cpu_seconds();
    benchmark::DoNotOptimize(
        kernels.read_rows(table.data(), kDim * size, columns * size, {read_ids, texts * length, kAhead}));
    const double middle = cpu_seconds();
    for (std::size_t t = 0; t < texts; ++t) {
      mean({table.data(), table.scales(), kDim}, {pool_ids + t * length, length, kAhead}, columns,
           out.data() + t * columns);
    }
    const double end = cpu_seconds();
    benchmark::ClobberMemory();
    reading += middle - start;
    pooling += end - middle;
    state.SetIterationTime(end - middle);
  }
  const double rows = static_cast<double>(state.iterations()) * static_cast<double>(texts * length);
  state.counters["rows/s"] = rows / pooling;
  state.counters["roofline"] = rows / reading;
  state.counters["share"] = reading / pooling;
}

void register_all() {
  for (Isa isa : {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512}) {
    if (!isa_supported(isa)) continue;
    for (Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16, Dtype::kI8}) {
      for (std::size_t columns : {std::size_t{1024}, std::size_t{256}}) {
        for (std::size_t length : {std::size_t{10}, std::size_t{160}}) {
          const std::string name = "bag/" + std::string(isa_name(isa)) + "/" + std::string(dtype_name(dtype)) +
                                   "/columns:" + std::to_string(columns) + "/tokens:" + std::to_string(length);
          benchmark::RegisterBenchmark(name.c_str(),
                                       [=](benchmark::State& state) { pool_bags(state, isa, dtype, columns, length); })
              ->UseManualTime()
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  }
}

[[maybe_unused]] const bool registered = (register_all(), true);

}  // namespace
}  // namespace stillvec
