#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/quantized/quantized.h"
#include "runtime/buffer.h"
#include "runtime/cpu.h"
#include "runtime/thread_pool.h"
#include "search/quantized_scores.h"
#include "search/similarity.h"
#include "search/top_k.h"

// Quantized rows of 1,024 dimensions. `tile` is what a kernel reaches on 4 x 4 rows that stay in L1, `block` all pairs
// of 1,024 x 4,096 rows with their scores made of it, on one thread; both by pairs a second.
namespace stillvec {
namespace {

constexpr std::size_t kDim = 1024;

// Aligned, as the rows that `encode` makes.
Buffer<std::uint8_t> bytes_of(std::size_t count) {
  Buffer<std::uint8_t> bytes(count);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>((state = state * 6364136223846793005u + 1) >> 56);
  }
  return bytes;
}

void count_pairs(benchmark::State& state, double pairs) {
  state.counters["pairs/s"] = benchmark::Counter(pairs, benchmark::Counter::kIsIterationInvariantRate);
}

template <typename Byte>
void tile(benchmark::State& state,
          void (*kernel)(const Byte* const[4], const Byte* const[4], std::size_t, std::int32_t[16]),
          std::size_t row_bytes) {
  const auto bytes = bytes_of(8 * row_bytes);
  const Byte *a[4], *b[4];
  for (std::size_t i = 0; i < 4; ++i) {
    a[i] = reinterpret_cast<const Byte*>(bytes.data()) + i * row_bytes;
    b[i] = a[i] + 4 * row_bytes;
  }
  std::int32_t out[16];
  for (auto _ : state) {
    kernel(a, b, row_bytes, out);
    benchmark::DoNotOptimize(out);
  }
  count_pairs(state, 16.0);
}

void block(benchmark::State& state, search::RowFormat format) {
  constexpr std::size_t kA = 1024, kB = 4096;
  const auto a = bytes_of(kA * kDim), b = bytes_of(kB * kDim);
  std::vector<float> out(kA * kB);
  for (auto _ : state) {
    search::quantized_block(search::Similarity::kCosine, {a.data(), kA, kDim, format}, {0, kA},
                            {b.data(), kB, kDim, format}, {0, kB}, out.data(), kB);
    benchmark::ClobberMemory();
  }
  count_pairs(state, static_cast<double>(kA) * kB);
}

void nearest(benchmark::State& state, search::RowFormat format, std::size_t queries) {
  constexpr std::size_t kRows = 100'000;
  ThreadPool pool(1);
  const auto bytes = bytes_of(kRows * kDim);
  const search::Rows rows = {bytes.data(), kRows, kDim, format};
  for (auto _ : state) {
    benchmark::DoNotOptimize(search::top_k({.k = 40}, rows, {0, queries}, rows, pool).indices.data());
  }
  count_pairs(state, static_cast<double>(queries) * kRows);
}

void register_all() {
  for (Isa isa : {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512}) {
    if (!isa_supported(isa)) continue;
    const kernels::QuantizedKernels& kernels = kernels::quantized_kernels(isa);
    const std::string name = "quantized/" + std::string(isa_name(isa));
    benchmark::RegisterBenchmark((name + "/tile/int8").c_str(),
                                 [&kernels](benchmark::State& state) { tile(state, kernels.dot_tile, kDim); });
    benchmark::RegisterBenchmark((name + "/tile/bits").c_str(),
                                 [&kernels](benchmark::State& state) { tile(state, kernels.hamming_tile, kDim / 8); });
  }
  // uint8 rows are scored as f32, with which the others compare.
  for (auto [name, format] : {std::pair{"int8", search::RowFormat::kInt8},
                              {"bits", search::RowFormat::kUbinary},
                              {"uint8", search::RowFormat::kUint8}}) {
    if (format != search::RowFormat::kUint8) {
      benchmark::RegisterBenchmark((std::string("quantized/block/") + name).c_str(), block, format)
          ->Unit(benchmark::kMillisecond);
    }
    for (const std::size_t queries : {1, 1000}) {
      const std::string title = std::string("quantized/top_k/queries:") + std::to_string(queries) + "/" + name;
      benchmark::RegisterBenchmark(title.c_str(), nearest, format, queries)->Unit(benchmark::kMillisecond);
    }
  }
}

[[maybe_unused]] const bool registered = (register_all(), true);

}  // namespace
}  // namespace stillvec
