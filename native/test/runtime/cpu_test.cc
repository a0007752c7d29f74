#include "runtime/cpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace stillvec {
namespace {

constexpr std::array kX86 = {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAmx};

bool on_x86() { return cpu().best == Isa::kAvx2 || cpu().best == Isa::kAvx512 || cpu().best == Isa::kAmx; }

TEST(Cpu, NamesAreThoseOfTheVariable) {
  EXPECT_EQ(isa_name(Isa::kScalar), "scalar");
  EXPECT_EQ(isa_name(Isa::kNeon), "neon");
  EXPECT_EQ(isa_name(Isa::kAvx2), "avx2");
  EXPECT_EQ(isa_name(Isa::kAvx512), "avx512");
  EXPECT_EQ(isa_name(Isa::kAmx), "amx");
}

TEST(Cpu, FollowsTheEnvironment) {
  const char* max_isa = std::getenv("STILLVEC_MAX_ISA");
  const CpuFeatures expected = detect_cpu(max_isa == nullptr ? "" : max_isa);
  EXPECT_EQ(cpu().best, expected.best);
  EXPECT_EQ(cpu().active, expected.active);
  EXPECT_EQ(cpu().avx512_bf16, expected.avx512_bf16);
  EXPECT_EQ(cpu().neon_bf16, expected.neon_bf16);
}

TEST(Cpu, CapsOnX86) {
  if (!on_x86()) GTEST_SKIP() << "not an x86 CPU with AVX2";
  for (const Isa cap : kX86) {
    const CpuFeatures capped = detect_cpu(isa_name(cap));
    EXPECT_EQ(capped.active, std::min(cap, cpu().best)) << isa_name(cap);
    EXPECT_EQ(capped.best, cpu().best) << "the cap must not change what the machine has";
    EXPECT_EQ(capped.avx512_bf16, cap >= Isa::kAvx512 && cpu().avx512_bf16) << isa_name(cap);
  }
  EXPECT_EQ(detect_cpu("neon").active, Isa::kScalar);
}

TEST(Cpu, CapsOnArm) {
  if (cpu().best != Isa::kNeon) GTEST_SKIP() << "not an Arm CPU";
  EXPECT_EQ(detect_cpu("neon").active, Isa::kNeon);
  for (const Isa cap : kX86) {
    const CpuFeatures capped = detect_cpu(isa_name(cap));
    EXPECT_EQ(capped.active, Isa::kScalar) << isa_name(cap);
    EXPECT_FALSE(capped.neon_bf16) << isa_name(cap);
  }
}

TEST(Cpu, UnknownNamesCapNothing) {
  for (const char* name : {"", "sse2", "AVX2", "avx2 ", "avx"}) EXPECT_EQ(detect_cpu(name).active, cpu().best) << name;
}

TEST(Cpu, SupportsWhatTheMachineHasWhateverTheCap) {
  EXPECT_TRUE(isa_supported(Isa::kScalar));
  EXPECT_TRUE(isa_supported(cpu().best));
  EXPECT_FALSE(isa_supported(Isa::kNeon) && isa_supported(Isa::kAvx2));
  if (!on_x86()) return;
  for (const Isa isa : kX86) EXPECT_EQ(isa_supported(isa), isa <= cpu().best) << isa_name(isa);
}

}  // namespace
}  // namespace stillvec
