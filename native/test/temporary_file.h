#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

namespace stillvec::test {

// A file that lives as long as this object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::span<const std::byte> content) {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    static int count = 0;
    path_ = std::filesystem::path(::testing::TempDir()) /
            (std::string(info == nullptr ? "" : info->name()) + "-" + std::to_string(++count) + "-" +
             std::to_string(::testing::UnitTest::GetInstance()->start_timestamp()));
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace stillvec::test
