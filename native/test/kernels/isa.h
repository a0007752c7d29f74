#pragma once

#include <gtest/gtest.h>

#include <string>

#include "runtime/cpu.h"

namespace stillvec::test {

// One test an ISA; those that this machine lacks are skipped, and say so.
class IsaTest : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!isa_supported(GetParam())) GTEST_SKIP() << "this machine has no " << isa_name(GetParam());
  }
};

inline const auto kSimdIsas = ::testing::Values(Isa::kNeon, Isa::kAvx2, Isa::kAvx512);

inline std::string name_of_isa(const ::testing::TestParamInfo<Isa>& info) { return std::string(isa_name(info.param)); }

}  // namespace stillvec::test
