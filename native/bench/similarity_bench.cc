#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/vector/vector.h"
#include "model/embedding_table.h"
#include "runtime/cpu.h"
#include "runtime/thread_pool.h"
#include "search/similarity.h"
#include "search/top_k.h"

// Products of 1,024-column rows. `peak` is what a 4 x 4 tile reaches on rows that stay in L1; the others stand against
// it by FLOP/s of one core's CPU time.
namespace stillvec {
namespace {

using model::EmbeddingTable;

constexpr std::size_t kDim = 1024;

const float* rows_of(std::size_t rows, std::uint64_t seed) {
  static std::vector<std::shared_ptr<const EmbeddingTable>> kept;
  kept.push_back(EmbeddingTable::random(rows, kDim, seed).value());
  return reinterpret_cast<const float*>(kept.back()->data());
}

void tile_peak(benchmark::State& state, Isa isa) {
  const float* rows = rows_of(4, 1);
  const float* const pointers[4] = {rows, rows + kDim, rows + 2 * kDim, rows + 3 * kDim};
  float out[16];
  for (auto _ : state) {
    kernels::vector_kernels(isa).dot_tile(pointers, pointers, kDim, out);
    benchmark::DoNotOptimize(out);
  }
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * 16.0 * kDim, benchmark::Counter::kIsIterationInvariantRate);
}

void matrix(benchmark::State& state, search::Similarity similarity) {
  constexpr std::size_t kA = 1024, kB = 4096;
  const float *a = rows_of(kA, 1), *b = rows_of(kB, 2);
  std::vector<float> out(kA * kB);
  for (auto _ : state) {
    search::similarity_block(similarity, {a, kA, kDim}, {0, kA}, {b, kB, kDim}, {0, kB}, out.data(), kB);
    benchmark::ClobberMemory();
  }
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * kA * kB * kDim, benchmark::Counter::kIsIterationInvariantRate);
}

// On one thread: CPU time is then a fair measure.
void nearest(benchmark::State& state, std::size_t queries, std::size_t corpus) {
  ThreadPool pool(1);
  const search::Rows a = {rows_of(queries, 1), queries, kDim}, b = {rows_of(corpus, 2), corpus, kDim};
  for (auto _ : state) {
    benchmark::DoNotOptimize(search::top_k({.k = 10}, a, {0, queries}, b, pool).indices.data());
  }
  const double pairs = static_cast<double>(queries) * static_cast<double>(corpus);
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * pairs * kDim, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["queries/s"] =
      benchmark::Counter(static_cast<double>(queries), benchmark::Counter::kIsIterationInvariantRate);
}

void register_all() {
  for (Isa isa : {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512}) {
    if (!isa_supported(isa)) continue;
    benchmark::RegisterBenchmark(("similarity/peak/" + std::string(isa_name(isa))).c_str(),
                                 [=](benchmark::State& state) { tile_peak(state, isa); });
  }
  benchmark::RegisterBenchmark("similarity/cosine", matrix, search::Similarity::kCosine)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("similarity/euclidean", matrix, search::Similarity::kEuclidean)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("top_k/queries:1/corpus:100000", nearest, std::size_t{1}, std::size_t{100000})
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("top_k/queries:1000/corpus:100000", nearest, std::size_t{1000}, std::size_t{100000})
      ->Unit(benchmark::kMillisecond);
}

[[maybe_unused]] const bool registered = (register_all(), true);

}  // namespace
}  // namespace stillvec
