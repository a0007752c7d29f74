#include "model/embedding_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <numeric>
#include <vector>

#include "kernels/half.h"
#include "model/file.h"
#include "model/random_normal.h"
#include "runtime/thread_pool.h"

static_assert(std::endian::native == std::endian::little, "tables are little-endian files used as they are");

namespace stillvec::model {
namespace {

constexpr std::size_t kRowsPerChunk = 256;

std::size_t file_dtype_size(FileDtype dtype) {
  switch (dtype) {
    case FileDtype::kF64: return 8;
    case FileDtype::kF32: return 4;
    case FileDtype::kF16:
    case FileDtype::kBf16: return 2;
    case FileDtype::kI8: return 1;
  }
  return 0;
}

// The dtype that a tensor has in memory.
Dtype table_dtype(FileDtype dtype) {
  switch (dtype) {
    case FileDtype::kF64:
    case FileDtype::kF32: return Dtype::kF32;
    case FileDtype::kF16: return Dtype::kF16;
    case FileDtype::kBf16: return Dtype::kBf16;
    case FileDtype::kI8: return Dtype::kI8;
  }
  return Dtype::kF32;
}

// rows * dim * size, or nothing where that is more than a size_t holds.
bool byte_count(std::size_t rows, std::size_t dim, std::size_t size, std::size_t& bytes) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  if (dim != 0 && rows > kMost / dim) return false;
  if (rows * dim > kMost / size) return false;
  bytes = rows * dim * size;
  return true;
}

Status too_large(std::size_t rows, std::size_t dim) {
  return {Code::kInvalidArgument,
          "a table of " + std::to_string(rows) + " x " + std::to_string(dim) + " values is too large to address"};
}

Status no_columns() { return {Code::kInvalidArgument, "a table needs at least one column"}; }

Status out_of_memory(std::size_t bytes) {
  return {Code::kOutOfMemory, "cannot allocate " + std::to_string(bytes) + " bytes for a table"};
}

Status outside_file(const std::string& path, std::uint64_t file_size, std::uint64_t offset, std::size_t bytes) {
  return {Code::kCorrupt, path + ": a tensor of " + std::to_string(bytes) + " bytes at offset " +
                              std::to_string(offset) + " is not inside the file, which has " +
                              std::to_string(file_size) + " bytes"};
}

bool is_inside(std::uint64_t file_size, std::uint64_t offset, std::size_t bytes) {
  return offset <= file_size && bytes <= file_size - offset;
}

std::unique_ptr<float[]> allocate_scales(std::size_t rows) {
  return std::unique_ptr<float[]>(new (std::nothrow) float[std::max<std::size_t>(rows, 1)]);
}

// How much of a row is in f32 at a time while it is converted.
constexpr std::size_t kRun = 512;

float greatest_magnitude(const float* values, std::size_t count) {
  float greatest = 0.0f;
  for (std::size_t i = 0; i < count; ++i) greatest = std::max(greatest, std::abs(values[i]));  // passes over NaN
  return greatest;
}

void write_i8(const float* values, std::size_t count, float scale, std::int8_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float q = scale == 0.0f || std::isnan(values[i]) ? 0.0f : std::nearbyint(values[i] / scale);
    out[i] = static_cast<std::int8_t>(std::clamp(q, -127.0f, 127.0f));
  }
}

}  // namespace

std::size_t dtype_size(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32: return 4;
    case Dtype::kF16:
    case Dtype::kBf16: return 2;
    case Dtype::kI8: return 1;
  }
  return 0;
}

std::string_view dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32: return "float32";
    case Dtype::kF16: return "float16";
    case Dtype::kBf16: return "bfloat16";
    case Dtype::kI8: return "int8";
  }
  return "";
}

class EmbeddingTable::Mapping {
 public:
  explicit Mapping(MappedRange range) : range_(std::move(range)) {}

 private:
  MappedRange range_;
};

EmbeddingTable::EmbeddingTable() = default;
EmbeddingTable::~EmbeddingTable() = default;

Result<EmbeddingTable::Owned> EmbeddingTable::allocate(Dtype dtype, std::size_t rows, std::size_t dim) {
  std::size_t bytes = 0;
  if (dim == 0) return no_columns();
  if (!byte_count(rows, dim, dtype_size(dtype), bytes)) return too_large(rows, dim);
  Owned owned;
  try {
    owned.bytes.reserve(bytes);
  } catch (const std::bad_alloc&) {
    return out_of_memory(bytes);
  }
  owned.dtype = dtype;
  owned.rows = rows;
  owned.dim = dim;
  return owned;
}

std::shared_ptr<const EmbeddingTable> EmbeddingTable::finish(Owned owned, std::unique_ptr<float[]> scales) {
  std::shared_ptr<EmbeddingTable> table(new EmbeddingTable);
  table->rows_ = owned.rows;
  table->dim_ = owned.dim;
  table->dtype_ = owned.dtype;
  table->owned_ = std::move(owned.bytes);
  table->data_ = table->owned_.data();
  table->scales_ = std::move(scales);
  return table;
}

std::shared_ptr<const EmbeddingTable> EmbeddingTable::empty() {
  return std::shared_ptr<const EmbeddingTable>(new EmbeddingTable);
}

Result<std::shared_ptr<const EmbeddingTable>> EmbeddingTable::load(const std::string& path, std::uint64_t offset,
                                                                   FileDtype dtype, std::size_t rows, std::size_t dim,
                                                                   bool may_map) {
  return load(path, offset, dtype, rows, dim, may_map, nullptr);
}

Result<std::shared_ptr<const EmbeddingTable>> EmbeddingTable::load_i8(const std::string& path, std::uint64_t offset,
                                                                      std::uint64_t scales_offset, std::size_t rows,
                                                                      std::size_t dim, bool may_map) {
  return load(path, offset, FileDtype::kI8, rows, dim, may_map, &scales_offset);
}

Result<std::shared_ptr<const EmbeddingTable>> EmbeddingTable::load(const std::string& path, std::uint64_t offset,
                                                                   FileDtype dtype, std::size_t rows, std::size_t dim,
                                                                   bool may_map, const std::uint64_t* scales_offset) {
  std::size_t bytes = 0;
  if (dim == 0) return no_columns();
  if (!byte_count(rows, dim, file_dtype_size(dtype), bytes)) return too_large(rows, dim);
  Result<File> opened = File::open(path);
  if (!opened.is_ok()) return opened.status();
  const File& file = opened.value();
  if (!is_inside(file.size(), offset, bytes)) return outside_file(path, file.size(), offset, bytes);

  std::unique_ptr<float[]> scales;
  if (dtype == FileDtype::kI8) {
    scales = allocate_scales(rows);
    if (scales == nullptr) return out_of_memory(rows * sizeof(float));
    std::fill_n(scales.get(), rows, 1.0f);
  }
  if (scales_offset != nullptr) {
    const std::size_t scale_bytes = rows * sizeof(float);
    if (!is_inside(file.size(), *scales_offset, scale_bytes)) {
      return outside_file(path, file.size(), *scales_offset, scale_bytes);
    }
    const Status read = file.read(*scales_offset, scale_bytes, reinterpret_cast<std::byte*>(scales.get()));
    if (!read.is_ok()) return read;
  }

  const bool usable_as_is = may_map && dtype != FileDtype::kF64 && offset % file_dtype_size(dtype) == 0;
  if (usable_as_is && bytes > 0) {
    MappedRange range = file.map(offset, bytes);
    if (range.data() != nullptr) {
      std::shared_ptr<EmbeddingTable> table(new EmbeddingTable);
      table->rows_ = rows;
      table->dim_ = dim;
      table->dtype_ = table_dtype(dtype);
      table->data_ = range.data();
      table->scales_ = std::move(scales);
      table->mapping_ = std::make_unique<Mapping>(std::move(range));
      return std::shared_ptr<const EmbeddingTable>(std::move(table));
    }
  }

  Result<Owned> owned = allocate(table_dtype(dtype), rows, dim);
  if (!owned.is_ok()) return owned.status();
  std::byte* out = owned.value().bytes.data();
  if (dtype != FileDtype::kF64) {
    const Status read = file.read(offset, bytes, out);
    if (!read.is_ok()) return read;
  } else {
    std::vector<double> run(std::min<std::size_t>(1u << 16, rows * dim));
    auto* floats = reinterpret_cast<float*>(out);
    for (std::size_t done = 0; done < rows * dim; done += run.size()) {
      const std::size_t n = std::min(run.size(), rows * dim - done);
      const Status read =
          file.read(offset + done * sizeof(double), n * sizeof(double), reinterpret_cast<std::byte*>(run.data()));
      if (!read.is_ok()) return read;
      for (std::size_t i = 0; i < n; ++i) floats[done + i] = static_cast<float>(run[i]);
    }
  }
  return finish(std::move(owned.value()), std::move(scales));
}

Result<std::shared_ptr<const EmbeddingTable>> EmbeddingTable::random(std::size_t rows, std::size_t dim,
                                                                     std::uint64_t seed, ThreadPool* pool) {
  Result<Owned> owned = allocate(Dtype::kF32, rows, dim);
  if (!owned.is_ok()) return owned.status();
  auto* out = reinterpret_cast<float*>(owned.value().bytes.data());
  const std::size_t count = rows * dim;
  constexpr std::size_t kPairsPerChunk = 1u << 17;
  const auto fill_chunk = [&](std::size_t chunk, unsigned) {
    const std::size_t first = chunk * kPairsPerChunk;
    fill_normal(seed, first, std::min(kPairsPerChunk, count / 2 - first), out + 2 * first);
  };
  const std::size_t chunks = (count / 2 + kPairsPerChunk - 1) / kPairsPerChunk;
  if (pool != nullptr) {
    pool->parallel_for(chunks, fill_chunk);
  } else {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) fill_chunk(chunk, 0);
  }
  if (count % 2 != 0) {
    float last[2];
    fill_normal(seed, count / 2, 1, last);
    out[count - 1] = last[0];
  }
  return finish(std::move(owned.value()), nullptr);
}

Result<std::shared_ptr<const EmbeddingTable>> EmbeddingTable::convert(Dtype dtype, ThreadPool& pool) const {
  Result<Owned> owned = allocate(dtype, rows_, dim_);
  if (!owned.is_ok()) return owned.status();
  std::unique_ptr<float[]> scales;
  if (dtype == Dtype::kI8) {
    scales = allocate_scales(rows_);
    if (scales == nullptr) return out_of_memory(rows_ * sizeof(float));
  }
  std::byte* out = owned.value().bytes.data();
  if (dtype == dtype_) {
    if (bytes() > 0) std::memcpy(out, data_, bytes());
    if (scales != nullptr) std::copy_n(scales_.get(), rows_, scales.get());
    return finish(std::move(owned.value()), std::move(scales));
  }
  pool.parallel_for((rows_ + kRowsPerChunk - 1) / kRowsPerChunk, [&](std::size_t chunk, unsigned) {
    float run[kRun];
    const std::size_t end = std::min(rows_, (chunk + 1) * kRowsPerChunk);
    for (std::size_t r = chunk * kRowsPerChunk; r < end; ++r) {
      float scale = 0.0f;
      if (dtype == Dtype::kI8) {
        for (std::size_t c = 0; c < dim_; c += kRun) {
          const std::size_t n = std::min(kRun, dim_ - c);
          read_row(r, c, n, run);
          scale = std::max(scale, greatest_magnitude(run, n));
        }
        scale = std::min(scale, std::numeric_limits<float>::max()) / 127.0f;
        scales[r] = scale;
      }
      for (std::size_t c = 0; c < dim_; c += kRun) {
        const std::size_t n = std::min(kRun, dim_ - c);
        read_row(r, c, n, run);
        std::byte* place = out + (r * dim_ + c) * dtype_size(dtype);
        auto* halves = reinterpret_cast<std::uint16_t*>(place);
        switch (dtype) {
          case Dtype::kF32: std::memcpy(place, run, n * sizeof(float)); break;
          case Dtype::kF16: std::transform(run, run + n, halves, kernels::f32_to_f16); break;
          case Dtype::kBf16: std::transform(run, run + n, halves, kernels::f32_to_bf16); break;
          case Dtype::kI8: write_i8(run, n, scale, reinterpret_cast<std::int8_t*>(place)); break;
        }
      }
    }
  });
  return finish(std::move(owned.value()), std::move(scales));
}

Result<std::shared_ptr<const EmbeddingTable>> EmbeddingTable::scale_rows(std::span<const float> factors,
                                                                         ThreadPool& pool) const {
  if (factors.size() != rows_) return Status{Code::kInvalidArgument, "expected one factor a row"};
  std::vector<std::uint32_t> all(rows_);
  std::iota(all.begin(), all.end(), 0u);
  return gather_rows(all, factors, pool);
}

Result<std::shared_ptr<const EmbeddingTable>> EmbeddingTable::gather_rows(std::span<const std::uint32_t> rows,
                                                                          std::span<const float> factors,
                                                                          ThreadPool& pool) const {
  if (factors.size() != rows.size()) return Status{Code::kInvalidArgument, "expected one factor a row"};
  if (std::ranges::any_of(rows, [this](std::uint32_t row) { return row >= rows_; })) {
    return Status{Code::kOutOfRange, "a row is beyond the table"};
  }
  return from_f32(rows.size(), dim_, [&](float* out) {
    pool.parallel_for((rows.size() + kRowsPerChunk - 1) / kRowsPerChunk, [&](std::size_t chunk, unsigned) {
      const std::size_t end = std::min(rows.size(), (chunk + 1) * kRowsPerChunk);
      for (std::size_t r = chunk * kRowsPerChunk; r < end; ++r) {
        float* row = out + r * dim_;
        read_row(rows[r], 0, dim_, row);
        for (std::size_t c = 0; c < dim_; ++c) row[c] *= factors[r];
      }
    });
  });
}

void EmbeddingTable::read_row(std::size_t row, std::size_t column, std::size_t count, float* out) const {
  const std::byte* values = data_ + (row * dim_ + column) * dtype_size(dtype_);
  const auto* halves = reinterpret_cast<const std::uint16_t*>(values);
  switch (dtype_) {
    case Dtype::kF32: std::memcpy(out, values, count * sizeof(float)); break;
    case Dtype::kF16: std::transform(halves, halves + count, out, kernels::f16_to_f32); break;
    case Dtype::kBf16: std::transform(halves, halves + count, out, kernels::bf16_to_f32); break;
    case Dtype::kI8: {
      const auto* bytes = reinterpret_cast<const std::int8_t*>(values);
      for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(bytes[i]) * scales_[row];
      break;
    }
  }
}

void EmbeddingTable::read_f32(std::size_t begin, std::size_t end, float* out) const {
  for (std::size_t r = begin; r < end; ++r, out += dim_) read_row(r, 0, dim_, out);
}

}  // namespace stillvec::model
