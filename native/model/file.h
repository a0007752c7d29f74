#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/status.h"

namespace stillvec::model {

// Bytes of a file, mapped read-only and shared with every process that maps them.
class MappedRange {
 public:
  MappedRange() = default;
  MappedRange(void* base, std::size_t length, std::size_t skip) : base_(base), length_(length), skip_(skip) {}
  ~MappedRange();
  MappedRange(MappedRange&& other) noexcept;
  MappedRange& operator=(MappedRange&& other) noexcept;

  // nullptr when nothing is mapped.
  const std::byte* data() const { return base_ == nullptr ? nullptr : static_cast<const std::byte*>(base_) + skip_; }

 private:
  void* base_ = nullptr;  // whole pages
  std::size_t length_ = 0;
  std::size_t skip_ = 0;
};

// A regular file, open for reading.
class File {
 public:
  // `path` is UTF-8. kIo, with the system's reason, when it cannot be opened or is no regular file.
  static Result<File> open(const std::string& path);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  std::uint64_t size() const { return size_; }

  // Copies bytes [offset, offset + count) to `out`.
  Status read(std::uint64_t offset, std::size_t count, std::byte* out) const;

  // Maps bytes [offset, offset + count), count > 0, which must be inside the file. Empty where this system does not
  // map files or refuses: read instead. The mapping outlives the File.
  MappedRange map(std::uint64_t offset, std::size_t count) const;

 private:
  File(std::string path, std::uint64_t size) : path_(std::move(path)), size_(size) {}

  std::string path_;
  std::uint64_t size_ = 0;
#if defined(_WIN32)
  void* handle_ = nullptr;
#else
  int descriptor_ = -1;
#endif
};

}  // namespace stillvec::model
