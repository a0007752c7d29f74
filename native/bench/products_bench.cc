#include "kernels/products/products.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "machine.h"

// The loss products' kernels on one thread, as a share of the peak measured in the same run. `near`: one panel and a
// tile of rows, all in L1. `streamed`: a tile of rows times 2,048 candidates of 1,024 columns, as in a training step.
namespace stillvec::kernels {
namespace {

void multiply(benchmark::State& state, const ProductKernels& kernels, double peak, std::size_t panels,
              std::size_t columns) {
  const std::size_t k_blocks = columns / (kBlockUnits * kernels.unit), row_blocks = kernels.tile_rows / kBlockRows;
  const std::size_t stride = panels * kPanelColumns + 16;
  const std::vector<std::uint32_t> left(row_blocks * k_blocks * kBlockSize), right(panels * k_blocks * kPanelBlock);
  std::vector<float> out(kernels.tile_rows * stride);
  for (auto _ : state) {
    multiply_panels(kernels, left.data(), k_blocks * kBlockSize, row_blocks, right.data(), k_blocks * kPanelBlock,
                    panels, k_blocks, out.data(), out.data(), stride);
    benchmark::ClobberMemory();
  }
  const double operations = 2.0 * static_cast<double>(kernels.tile_rows * panels * kPanelColumns * columns) / 1e9;
  state.counters["GFLOP/s"] = benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["share_of_peak"] =
      benchmark::Counter(operations / peak, benchmark::Counter::kIsIterationInvariantRate);
}

void register_pair(const char* name, const ProductKernels& kernels, double peak) {
  const std::size_t near_columns = kernels.depth * kBlockUnits * kernels.unit;
  benchmark::RegisterBenchmark(
      (std::string("products/near/") + name).c_str(),
      [&kernels, peak, near_columns](auto& state) { multiply(state, kernels, peak, 1, near_columns); });
  benchmark::RegisterBenchmark((std::string("products/streamed/") + name).c_str(),
                               [&kernels, peak](auto& state) { multiply(state, kernels, peak, 64, 1024); });
}

// Kernels of every ISA that this machine has, each against the peak of its instructions.
const int kRegistered = [] {
  if (isa_supported(Isa::kNeon)) register_pair("f32/neon", f32_products(Isa::kNeon), bench::f32_peak(Isa::kNeon, 1));
  if (isa_supported(Isa::kAvx2)) register_pair("f32/avx2", f32_products(Isa::kAvx2), bench::f32_peak(Isa::kAvx2, 1));
  if (isa_supported(Isa::kAvx512)) {
    register_pair("f32/avx512", f32_products(Isa::kAvx512), bench::f32_peak(Isa::kAvx512, 1));
  }
  for (Bf16Unit unit : {Bf16Unit::kNeon, Bf16Unit::kAvx512, Bf16Unit::kAmx}) {
    if (!bf16_supported(unit)) continue;
    register_pair(unit == Bf16Unit::kNeon     ? "bf16/neon"
                  : unit == Bf16Unit::kAvx512 ? "bf16/avx512"
                                              : "bf16/amx",
                  bf16_products(unit), bench::bf16_peak(unit, 1));
  }
  return 0;
}();

}  // namespace
}  // namespace stillvec::kernels
