#include "model/file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <filesystem>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace stillvec::model {
namespace {

#if defined(_WIN32)
int last_error() { return static_cast<int>(GetLastError()); }
#else
int last_error() { return errno; }
#endif

Status io_error(const std::string& path, const char* what, int error) {
  return {Code::kIo, path + ": cannot " + what + ": " + std::system_category().message(error)};
}

// One system call moves no more than this: some systems refuse 2 GiB and above.
constexpr std::size_t kLargestRead = std::size_t{1} << 30;

}  // namespace

MappedRange::MappedRange(MappedRange&& other) noexcept { *this = std::move(other); }

MappedRange& MappedRange::operator=(MappedRange&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(length_, other.length_);
  std::swap(skip_, other.skip_);
  return *this;
}

File::File(File&& other) noexcept { *this = std::move(other); }

#if defined(_WIN32)

MappedRange::~MappedRange() = default;

Result<File> File::open(const std::string& path) {
  const std::filesystem::path native(std::u8string(path.begin(), path.end()));
  const HANDLE handle = CreateFileW(native.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return io_error(path, "open", last_error());
  File file(path, 0);
  file.handle_ = handle;
  LARGE_INTEGER size;
  if (!GetFileSizeEx(handle, &size)) return io_error(path, "read", last_error());
  file.size_ = static_cast<std::uint64_t>(size.QuadPart);
  return file;
}

File::~File() {
  if (handle_ != nullptr) CloseHandle(handle_);
}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  std::swap(handle_, other.handle_);
  return *this;
}

Status File::read(std::uint64_t offset, std::size_t count, std::byte* out) const {
  while (count > 0) {
    OVERLAPPED at = {};
    at.Offset = static_cast<DWORD>(offset);
    at.OffsetHigh = static_cast<DWORD>(offset >> 32);
    DWORD got = 0;
    const bool done = ReadFile(handle_, out, static_cast<DWORD>(std::min(count, kLargestRead)), &got, &at) != 0;
    if (!done && last_error() != ERROR_HANDLE_EOF) return io_error(path_, "read", last_error());
    if (got == 0) return {Code::kCorrupt, path_ + ": became shorter while it was read"};
    offset += got;
    count -= got;
    out += got;
  }
  return Status::ok();
}

// A mapped file cannot be replaced on Windows: saving a model over itself would fail.
MappedRange File::map(std::uint64_t, std::size_t) const { return {}; }

#else

MappedRange::~MappedRange() {
  if (base_ != nullptr) munmap(base_, length_);
}

Result<File> File::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return io_error(path, "open", last_error());
  File file(path, 0);
  file.descriptor_ = descriptor;
  struct stat status;
  if (fstat(descriptor, &status) != 0) return io_error(path, "read", last_error());
  if (!S_ISREG(status.st_mode)) return Status{Code::kIo, path + ": is not a regular file"};
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

File::~File() {
  if (descriptor_ >= 0) close(descriptor_);
}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Status File::read(std::uint64_t offset, std::size_t count, std::byte* out) const {
  while (count > 0) {
    const ssize_t got = pread(descriptor_, out, std::min(count, kLargestRead), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path_, "read", last_error());
    if (got == 0) return {Code::kCorrupt, path_ + ": became shorter while it was read"};
    offset += static_cast<std::uint64_t>(got);
    count -= static_cast<std::size_t>(got);
    out += got;
  }
  return Status::ok();
}

MappedRange File::map(std::uint64_t offset, std::size_t count) const {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto skip = static_cast<std::size_t>(offset % page);
  void* base = mmap(nullptr, count + skip, PROT_READ, MAP_SHARED, descriptor_, static_cast<off_t>(offset - skip));
  if (base == MAP_FAILED) return {};
  return {base, count + skip, skip};
}

#endif

}  // namespace stillvec::model
