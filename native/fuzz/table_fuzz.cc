#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "model/embedding_table.h"
#include "model/encoder.h"

// Loads a tensor at any offset, of any shape, from a file of any size: it is refused, or every value of it can be read.
namespace {

using stillvec::model::EmbeddingTable;
using stillvec::model::FileDtype;

struct Request {
  std::uint64_t offset, scales_offset, rows, dim;
  std::uint8_t dtype, has_scales, small;
};

std::string& file_path() {
  static std::string path = [] {
    const char* folder = std::getenv("TMPDIR");
    std::string name = std::string(folder == nullptr ? P_tmpdir : folder) + "/table_fuzz_XXXXXX";
    const int descriptor = mkstemp(name.data());
    if (descriptor < 0) std::abort();
    close(descriptor);
    std::atexit([] { unlink(file_path().c_str()); });
    return name;
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Request request = {};
  if (size < sizeof request) return 0;
  std::memcpy(&request, data, sizeof request);
  data += sizeof request;
  size -= sizeof request;
  if (request.small % 4 != 0) {  // most of the time, a shape and offsets that may fit
    request.rows %= 64;
    request.dim %= 64;
    request.offset %= size + 2;
    request.scales_offset %= size + 2;
  }

  std::FILE* file = std::fopen(file_path().c_str(), "wb");
  if (file == nullptr) std::abort();
  if (size > 0 && std::fwrite(data, 1, size, file) != size) std::abort();
  std::fclose(file);

  const auto dtype = static_cast<FileDtype>(request.dtype % 5);
  const auto rows = static_cast<std::size_t>(request.rows), dim = static_cast<std::size_t>(request.dim);
  auto result = dtype == FileDtype::kI8 && request.has_scales % 2 == 1
                    ? EmbeddingTable::load_i8(file_path(), request.offset, request.scales_offset, rows, dim)
                    : EmbeddingTable::load(file_path(), request.offset, dtype, rows, dim);
  if (!result.is_ok()) {
    if (result.status().message.empty()) std::abort();
    return 0;
  }
  const EmbeddingTable& table = *result.value();
  if (table.rows() != rows || table.dim() != dim) std::abort();
  if (dim == 0 || rows == 0) return 0;

  std::vector<float> values(dim), pooled(dim);
  const std::uint64_t offsets[] = {0, 1};
  const stillvec::model::Encoder encoder(nullptr, result.value());
  for (std::uint32_t row = 0; row < rows; ++row) {
    table.read_f32(row, row + 1, values.data());
    const auto status = encoder.pool_ids({&row, 1}, offsets, 0, 1, {}, reinterpret_cast<std::byte*>(pooled.data()));
    if (!status.is_ok()) std::abort();
    // The mean of one row is that row, but for the sign of zero.
    for (std::size_t c = 0; c < dim; ++c) {
      const bool both_nan = values[c] != values[c] && pooled[c] != pooled[c];
      if (values[c] != pooled[c] && !both_nan) std::abort();
    }
  }
  return 0;
}
