#include "runtime/cpu.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#if defined(__x86_64__) || defined(_M_X64)
#define STILLVEC_X86 1
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif
#endif

namespace stillvec {
namespace {

#if defined(STILLVEC_X86)

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
#if defined(_MSC_VER)
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
  r = {unsigned(out[0]), unsigned(out[1]), unsigned(out[2]), unsigned(out[3])};
#else
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
  return r;
}

// XCR0: which register states the operating system saves.
unsigned long long enabled_states() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<unsigned long long>(high) << 32) | low;
#endif
}

bool bit(unsigned word, int index) { return (word >> index) & 1u; }

// Linux hands out the 8 KiB tile state only on request, once per process.
bool request_amx() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

CpuFeatures detect() {
  CpuFeatures features;
  const Registers one = cpuid(1, 0);
  if (!bit(one.ecx, 27)) return features;  // OSXSAVE
  const unsigned long long states = enabled_states();
  const Registers seven = cpuid(7, 0);

  const bool avx_state = (states & 0x6) == 0x6;
  const bool fma = bit(one.ecx, 12), f16c = bit(one.ecx, 29), bmi2 = bit(seven.ebx, 8);
  if (!avx_state || !bit(seven.ebx, 5) || !fma || !f16c || !bmi2) return features;
  features.best = Isa::kAvx2;

  const bool avx512_state = (states & 0xe6) == 0xe6;
  const bool avx512 =
      bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 28) && bit(seven.ebx, 30) && bit(seven.ebx, 31);
  if (!avx512_state || !avx512) return features;
  features.best = Isa::kAvx512;
  features.avx512_bf16 = bit(cpuid(7, 1).eax, 5);
  features.avx512_vnni = bit(seven.ecx, 11) && bit(seven.ecx, 14);

  const bool tile_state = (states & 0x60000) == 0x60000;
  const bool amx_bf16 = bit(seven.edx, 24) && bit(seven.edx, 22);
  if (tile_state && amx_bf16 && request_amx()) features.best = Isa::kAmx;
  return features;
}

#elif defined(__aarch64__) || defined(_M_ARM64)

CpuFeatures detect() {
  CpuFeatures features;
  features.best = Isa::kNeon;
#if defined(__linux__)
  constexpr unsigned long kHwcap2Bf16 = 1ul << 14;
  features.neon_bf16 = (getauxval(AT_HWCAP2) & kHwcap2Bf16) != 0;
#endif
  return features;
}

#else

CpuFeatures detect() { return {}; }

#endif

std::optional<Isa> isa_named(std::string_view name) {
  for (const Isa isa : {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    if (isa_name(isa) == name) return isa;
  }
  return std::nullopt;
}

// The better of two ISAs has the greater number on one architecture; the scalar kernels belong to all.
bool one_architecture(Isa a, Isa b) {
  return a == Isa::kScalar || b == Isa::kScalar || (a == Isa::kNeon) == (b == Isa::kNeon);
}

}  // namespace

CpuFeatures detect_cpu(std::string_view max_isa) {
  CpuFeatures features = detect();
  const Isa cap = isa_named(max_isa).value_or(features.best);
  features.active = one_architecture(cap, features.best) ? std::min(cap, features.best) : Isa::kScalar;
  if (features.active < Isa::kAvx512) features.avx512_bf16 = features.avx512_vnni = false;
  if (features.active != Isa::kNeon) features.neon_bf16 = false;
  return features;
}

const CpuFeatures& cpu() {
  static const CpuFeatures features = [] {
    const char* max_isa = std::getenv("STILLVEC_MAX_ISA");
    return detect_cpu(max_isa == nullptr ? "" : max_isa);
  }();
  return features;
}

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kNeon: return "neon";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
    case Isa::kAmx: return "amx";
  }
  return "scalar";
}

bool isa_supported(Isa isa) {
  const Isa best = cpu().best;
  return one_architecture(isa, best) && isa <= best;
}

}  // namespace stillvec
