#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/buffer.h"
#include "runtime/status.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::model {

// How a table's values are stored. kI8 rows are `value * scale[row]`.
enum class Dtype { kF32, kF16, kBf16, kI8 };

std::size_t dtype_size(Dtype dtype);
std::string_view dtype_name(Dtype dtype);

// How a tensor's values lie in a file.
enum class FileDtype { kF64, kF32, kF16, kBf16, kI8 };

// rows x dim token vectors, row-major. Immutable and shared: whoever trains makes a new one.
class EmbeddingTable {
 public:
  // Uses the bytes of a tensor in a file. They are memory-mapped where the dtype and the alignment allow, so that
  // processes share one copy; otherwise (f64, misaligned) read and converted. kIo when the file cannot be opened;
  // kCorrupt when [offset, offset + rows * dim * size) is not inside it. Reading a mapped file that someone shortens
  // ends the process: without `may_map`, the bytes are read.
  static Result<std::shared_ptr<const EmbeddingTable>> load(const std::string& path, std::uint64_t offset,
                                                            FileDtype dtype, std::size_t rows, std::size_t dim,
                                                            bool may_map = true);

  // An int8 tensor whose rows have f32 scales, a tensor of the same file that begins at `scales_offset`. Without one
  // (above), every scale is 1.
  static Result<std::shared_ptr<const EmbeddingTable>> load_i8(const std::string& path, std::uint64_t offset,
                                                               std::uint64_t scales_offset, std::size_t rows,
                                                               std::size_t dim, bool may_map = true);

  // Independent N(0, 1) values, as torch's EmbeddingBag starts. The same seed gives the same bits on every machine,
  // on `pool` or without.
  static Result<std::shared_ptr<const EmbeddingTable>> random(std::size_t rows, std::size_t dim, std::uint64_t seed,
                                                              ThreadPool* pool = nullptr);

  // A table of `rows` x `dim` f32 that `fill(float*)` writes.
  template <typename Fill>
  static Result<std::shared_ptr<const EmbeddingTable>> from_f32(std::size_t rows, std::size_t dim, Fill&& fill) {
    Result<Owned> owned = allocate(Dtype::kF32, rows, dim);
    if (!owned.is_ok()) return owned.status();
    fill(reinterpret_cast<float*>(owned.value().bytes.data()));
    return finish(std::move(owned.value()), nullptr);
  }

  // 0 x 0.
  static std::shared_ptr<const EmbeddingTable> empty();

  ~EmbeddingTable();
  EmbeddingTable(const EmbeddingTable&) = delete;
  EmbeddingTable& operator=(const EmbeddingTable&) = delete;

  std::size_t rows() const { return rows_; }
  std::size_t dim() const { return dim_; }
  Dtype dtype() const { return dtype_; }
  std::size_t bytes() const { return rows_ * dim_ * dtype_size(dtype_); }
  bool is_mapped() const { return mapping_ != nullptr; }

  const std::byte* data() const { return data_; }        // row r begins at r * dim * dtype_size
  const float* scales() const { return scales_.get(); }  // one a row for kI8, else nullptr

  // A table of `rows` x `dim` f32 that `values` holds.
  static std::shared_ptr<const EmbeddingTable> of_f32(std::size_t rows, std::size_t dim, Buffer<float> values) {
    return finish({std::move(values).into_bytes(), Dtype::kF32, rows, dim}, nullptr);
  }

  // The same values as another dtype (rounded to nearest even; kI8 with scale = max|row| / 127).
  Result<std::shared_ptr<const EmbeddingTable>> convert(Dtype dtype, ThreadPool& pool) const;

  // The rows as f32, row r times factors[r]; as many factors as rows.
  Result<std::shared_ptr<const EmbeddingTable>> scale_rows(std::span<const float> factors, ThreadPool& pool) const;

  // The given rows as f32, in that order, rows[i] times factors[i]; as many factors as rows. kOutOfRange for a row that
  // is not there.
  Result<std::shared_ptr<const EmbeddingTable>> gather_rows(std::span<const std::uint32_t> rows,
                                                            std::span<const float> factors, ThreadPool& pool) const;

  // rows x dim, of an f32 table.
  std::span<const float> f32() const { return {reinterpret_cast<const float*>(data()), rows() * dim()}; }

  // Writes rows [begin, end) as f32 to `out`, (end - begin) x dim.
  void read_f32(std::size_t begin, std::size_t end, float* out) const;

 private:
  struct Owned {
    Buffer<std::byte> bytes;
    Dtype dtype = Dtype::kF32;
    std::size_t rows = 0, dim = 0;
  };
  class Mapping;

  EmbeddingTable();
  static Result<std::shared_ptr<const EmbeddingTable>> load(const std::string& path, std::uint64_t offset,
                                                            FileDtype dtype, std::size_t rows, std::size_t dim,
                                                            bool may_map, const std::uint64_t* scales_offset);
  static Result<Owned> allocate(Dtype dtype, std::size_t rows, std::size_t dim);
  static std::shared_ptr<const EmbeddingTable> finish(Owned owned, std::unique_ptr<float[]> scales);
  void read_row(std::size_t row, std::size_t column, std::size_t count, float* out) const;

  std::size_t rows_ = 0;
  std::size_t dim_ = 0;
  Dtype dtype_ = Dtype::kF32;
  const std::byte* data_ = nullptr;
  Buffer<std::byte> owned_;
  std::unique_ptr<float[]> scales_;
  std::unique_ptr<Mapping> mapping_;
};

// The table itself where it is f32, else what it is as f32.
inline Result<std::shared_ptr<const EmbeddingTable>> as_f32(std::shared_ptr<const EmbeddingTable> table,
                                                            ThreadPool& pool) {
  if (table->dtype() == Dtype::kF32) return table;
  return table->convert(Dtype::kF32, pool);
}

}  // namespace stillvec::model
