#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/vector/vector.h"
#include "runtime/cpu.h"

// Kernels on rows of 1,024 columns that stay in L1: ns a row, and bytes a second read.
namespace stillvec {
namespace {

using kernels::VectorKernels;

constexpr std::size_t kDim = 1024;

template <typename Body>
void add(const std::string& name, Isa isa, std::size_t rows_read, Body body) {
  benchmark::RegisterBenchmark(("vector/" + std::string(isa_name(isa)) + "/" + name).c_str(),
                               [=](benchmark::State& state) {
                                 const VectorKernels& kernels = kernels::vector_kernels(isa);
                                 std::vector<float> a(kDim, 0.5f), b(kDim, 0.25f), out(2 * kDim);
                                 std::vector<std::uint8_t> bytes(kDim);
                                 for (auto _ : state) {
                                   body(kernels, a.data(), b.data(), out.data(), bytes.data());
                                   benchmark::ClobberMemory();
                                 }
                                 state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                                                         static_cast<std::int64_t>(rows_read * kDim * sizeof(float)));
                               });
}

void register_all() {
  for (Isa isa : {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512}) {
    if (!isa_supported(isa)) continue;
    add("dot", isa, 2, [](const VectorKernels& k, const float* a, const float* b, float*, std::uint8_t*) {
      benchmark::DoNotOptimize(k.dot(a, b, kDim));
    });
    add("squared_distance", isa, 2, [](const VectorKernels& k, const float* a, const float* b, float*, std::uint8_t*) {
      benchmark::DoNotOptimize(k.squared_distance(a, b, kDim));
    });
    add("l1_distance", isa, 2, [](const VectorKernels& k, const float* a, const float* b, float*, std::uint8_t*) {
      benchmark::DoNotOptimize(k.l1_distance(a, b, kDim));
    });
    add("scale", isa, 1, [](const VectorKernels& k, const float* a, const float*, float* out, std::uint8_t*) {
      k.scale(a, 0.5f, kDim, out);
    });
    add("extend_range", isa, 1, [](const VectorKernels& k, const float* a, const float*, float* out, std::uint8_t*) {
      k.extend_range(a, kDim, out, out + kDim);
    });
    add("quantize", isa, 3, [](const VectorKernels& k, const float* a, const float* b, float*, std::uint8_t* bytes) {
      k.quantize(a, b, b, kDim, 0x80, bytes);
    });
    add("pack_signs", isa, 1, [](const VectorKernels& k, const float* a, const float*, float*, std::uint8_t* bytes) {
      k.pack_signs(a, kDim, 0, bytes);
    });
  }
}

[[maybe_unused]] const bool registered = (register_all(), true);

}  // namespace
}  // namespace stillvec
