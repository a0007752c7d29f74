#include "search/rows.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace stillvec::search {
namespace {

TEST(Rows, LoadsEveryFormat) {
  const float floats[] = {1.5f, -2.0f, 3.0f, 0.0f};
  const std::int8_t int8[] = {-128, 0, 127, 5};
  const std::uint8_t uint8[] = {0, 128, 255, 5};
  const auto load = [](const Rows& rows) {
    std::vector<float> out(rows.dim);
    load_rows(rows, {1, 2}, out.data());
    return out;
  };
  EXPECT_EQ(load({floats, 2, 2, RowFormat::kFloat32}), (std::vector<float>{3.0f, 0.0f}));
  EXPECT_EQ(load({int8, 2, 2, RowFormat::kInt8}), (std::vector<float>{127.0f, 5.0f}));
  EXPECT_EQ(load({uint8, 2, 2, RowFormat::kUint8}), (std::vector<float>{255.0f, 5.0f}));

  const std::uint8_t bits[] = {0, 0b10010011};
  const std::int8_t shifted[] = {-128, static_cast<std::int8_t>(0b10010011 - 128)};
  const std::vector<float> signs = {1, -1, -1, 1, -1, -1, 1, 1};
  EXPECT_EQ(load({bits, 2, 8, RowFormat::kUbinary}), signs);
  EXPECT_EQ(load({shifted, 2, 8, RowFormat::kBinary}), signs);
}

}  // namespace
}  // namespace stillvec::search
