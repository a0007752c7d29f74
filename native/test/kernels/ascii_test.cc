#include "kernels/ascii/ascii.h"

#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <string_view>
#include <vector>

#include "test/kernels/isa.h"

namespace stillvec::kernels {
namespace {

struct Classified {
  std::vector<std::uint8_t> folded;
  std::vector<std::uint64_t> spaces, letters;
  bool operator==(const Classified&) const = default;
};

Classified classify(const AsciiKernels& kernels, const std::uint8_t* text, std::size_t size, bool fold) {
  const std::size_t blocks = (size + kAsciiBlock - 1) / kAsciiBlock;
  Classified out = {std::vector<std::uint8_t>(blocks * kAsciiBlock), std::vector<std::uint64_t>(blocks),
                    std::vector<std::uint64_t>(blocks)};
  kernels.classify(text, size, fold, out.folded.data(), out.spaces.data(), out.letters.data());
  out.folded.resize(size);
  return out;
}

bool bit(const std::vector<std::uint64_t>& bits, std::size_t i) { return bits[i / 64] >> (i % 64) & 1; }

TEST(Ascii, EveryByte) {
  std::vector<std::uint8_t> text(256);
  for (int i = 0; i < 256; ++i) text[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  for (bool fold : {false, true}) {
    const Classified got = classify(scalar::kAscii, text.data(), text.size(), fold);
    for (std::size_t i = 0; i < 256; ++i) {
      const int c = static_cast<int>(i);
      const bool space = std::string_view("\t\n\r ").find(static_cast<char>(i)) != std::string_view::npos;
      EXPECT_EQ(bit(got.spaces, i), space) << i;
      EXPECT_EQ(bit(got.letters, i), !space && !(i < 128 && std::ispunct(c))) << i;
      EXPECT_EQ(got.folded[i], fold && i < 128 ? std::tolower(c) : c) << i;
    }
  }
}

class AsciiIsa : public test::IsaTest {};

TEST_P(AsciiIsa, IsThatOfScalar) {
  const AsciiKernels& kernels = ascii_kernels(GetParam());
  std::mt19937 random(17);
  for (std::size_t size = 0; size < 300; ++size) {
    for (std::size_t misalignment : {0u, 1u, 31u}) {
      // No byte beyond the text belongs to the process, as far as a sanitizer can tell.
      std::vector<std::uint8_t> bytes(misalignment + size);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
      for (bool fold : {false, true}) {
        EXPECT_EQ(classify(kernels, bytes.data() + misalignment, size, fold),
                  classify(scalar::kAscii, bytes.data() + misalignment, size, fold))
            << "size " << size;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Simd, AsciiIsa, test::kSimdIsas, test::name_of_isa);

}  // namespace
}  // namespace stillvec::kernels
