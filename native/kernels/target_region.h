#pragma once

// A kernel's ISA is switched on for a region of its source, never by a compiler flag: with flags, the linker may keep
// the AVX-512 copy of an inline function for every caller, and the addon dies on older CPUs. So all #includes stand
// before the region, and nothing inline from a header is called in it except intrinsics.
//
//   STILLVEC_BEGIN_AVX512
//   namespace stillvec::kernels::avx512 { ... }
//   STILLVEC_END

#if defined(__clang__)
#define STILLVEC_PRAGMA(x) _Pragma(#x)
#define STILLVEC_BEGIN(isa) STILLVEC_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define STILLVEC_END _Pragma("clang attribute pop")
#elif defined(__GNUC__)
#define STILLVEC_PRAGMA(x) _Pragma(#x)
#define STILLVEC_BEGIN(isa) STILLVEC_PRAGMA(GCC push_options) STILLVEC_PRAGMA(GCC target(isa))
#define STILLVEC_END _Pragma("GCC pop_options")
#else  // MSVC compiles every intrinsic anywhere
#define STILLVEC_BEGIN(isa)
#define STILLVEC_END
#endif

#define STILLVEC_BEGIN_AVX2 STILLVEC_BEGIN("avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt")
#define STILLVEC_BEGIN_AVX512 \
  STILLVEC_BEGIN("avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")
#define STILLVEC_BEGIN_AVX512_VNNI \
  STILLVEC_BEGIN(                  \
      "avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq")
#define STILLVEC_BEGIN_AVX512_BF16 \
  STILLVEC_BEGIN("avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")
#define STILLVEC_BEGIN_AMX \
  STILLVEC_BEGIN(          \
      "avx2,fma,f16c,bmi,bmi2,popcnt,lzcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")

#if defined(__clang__)
#define STILLVEC_BEGIN_NEON_BF16 STILLVEC_BEGIN("bf16")
#else
#define STILLVEC_BEGIN_NEON_BF16 STILLVEC_BEGIN("arch=armv8.2-a+bf16")
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define STILLVEC_X86 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define STILLVEC_NEON 1  // part of the AArch64 baseline: needs no region
#endif
