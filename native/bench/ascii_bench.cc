#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/text_samples.h"
#include "kernels/ascii/ascii.h"

namespace stillvec {
namespace {

void classify(benchmark::State& state, Isa isa) {
  if (!isa_supported(isa)) return state.SkipWithError("this machine does not have it");
  const kernels::AsciiKernels& kernels = kernels::ascii_kernels(isa);
  const std::string text = bench::joined_samples().substr(0, 4096);
  std::vector<std::uint8_t> folded(text.size() + kernels::kAsciiBlock);
  std::vector<std::uint64_t> spaces(folded.size() / 64 + 1), letters(spaces.size());
  for (auto _ : state) {
    kernels.classify(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), true, folded.data(),
                     spaces.data(), letters.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

BENCHMARK_CAPTURE(classify, scalar, Isa::kScalar);
BENCHMARK_CAPTURE(classify, neon, Isa::kNeon);
BENCHMARK_CAPTURE(classify, avx2, Isa::kAvx2);
BENCHMARK_CAPTURE(classify, avx512, Isa::kAvx512);

}  // namespace
}  // namespace stillvec
