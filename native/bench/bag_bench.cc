#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/zipf.h"
#include "kernels/bag/bag.h"
#include "model/distinct_rows.h"
#include "model/embedding_table.h"
#include "runtime/cpu.h"
#include "runtime/thread_pool.h"

// Pooling at full size: 30,522 x 1024 tables, which no cache holds, and ids by Zipf's law, of which a text's distinct
// ones are read. Beside each rate, of texts, stands `roofline`, that of a loop which only reads the same bytes,
// measured in turns with it, and the share reached.
namespace stillvec {
namespace {

using kernels::BagKernels;
using kernels::WeightedRow;
using model::Dtype;
using model::EmbeddingTable;

constexpr std::size_t kRows = 30522, kDim = 1024;
constexpr std::size_t kTokens = 16384;  // of one iteration
constexpr std::size_t kRuns = 64;       // iterations of different tokens

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

kernels::SumRows kernel_of(const BagKernels& bag, Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32: return bag.sum_f32;
    case Dtype::kF16: return bag.sum_f16;
    case Dtype::kBf16: return bag.sum_bf16;
    case Dtype::kI8: return bag.sum_i8;
  }
  return bag.sum_f32;
}

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The distinct rows of texts, one text after the other.
struct Bags {
  std::vector<WeightedRow> rows;
  std::vector<model::DistinctRows::Text> texts;
};

std::vector<Bags> zipf_bags(std::size_t length) {
  static const std::vector<std::uint32_t> ids = bench::zipf_ids(kRows, kRuns * kTokens);
  model::DistinctRows distinct({}, kRows);
  std::vector<Bags> runs(kRuns);
  for (std::size_t run = 0; run < kRuns; ++run) {
    Bags& bags = runs[run];
    bags.rows.resize(kTokens);
    std::size_t count = 0;
    for (std::size_t begin = 0; begin + length <= kTokens; begin += length) {
      bags.texts.push_back(distinct.weigh({ids.data() + run * kTokens + begin, length}, bags.rows.data() + count));
      count += bags.texts.back().count;
    }
    bags.rows.resize(count);
  }
  return runs;
}

void pool_bags(benchmark::State& state, Isa isa, Dtype dtype, std::size_t columns, std::size_t length) {
  const BagKernels& kernels = kernels::bag_kernels(isa);
  const kernels::SumRows sum = kernel_of(kernels, dtype);
  const EmbeddingTable& table = table_of(dtype);
  const std::size_t size = dtype_size(dtype);
  const std::vector<Bags> runs = zipf_bags(length);
  std::vector<float> out(kTokens / length * columns);

  std::size_t run = 0;
  double reading = 0.0, pooling = 0.0;
  for (auto _ : state) {
    const Bags &to_read = runs[2 * run % kRuns], &to_pool = runs[(2 * run + 1) % kRuns];
    ++run;
    const double start = cpu_seconds();
    benchmark::DoNotOptimize(kernels.read_rows(table.data(), kDim * size, columns * size,
                                               {to_read.rows.data(), to_read.rows.size(), nullptr, 0}));
    const double middle = cpu_seconds();
    const WeightedRow* row = to_pool.rows.data();
    const WeightedRow* const last = row + to_pool.rows.size();
    float* place = out.data();
    for (const auto& [count, divisor] : to_pool.texts) {
      const WeightedRow* next = row + count;
      sum({table.data(), table.scales(), kDim}, {row, count, next, static_cast<std::size_t>(last - next)},
          1.0f / divisor, columns, place);
      row = next;
      place += columns;
    }
    const double end = cpu_seconds();
    benchmark::ClobberMemory();
    reading += middle - start;
    pooling += end - middle;
    state.SetIterationTime(end - middle);
  }
  const double texts = static_cast<double>(state.iterations()) * static_cast<double>(kTokens / length);
  state.counters["texts/s"] = texts / pooling;
  state.counters["roofline"] = texts / reading;
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
