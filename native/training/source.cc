#include "training/source.h"

#include "runtime/random.h"

namespace stillvec::training {

Status check_shape(const Source& source) {
  if (source.columns.empty()) return {Code::kInvalidArgument, "expected one or more columns"};
  const std::size_t rows = source.rows();
  for (const auto& column : source.columns) {
    if (column->count() != rows) return {Code::kInvalidArgument, "expected columns of one length"};
  }
  if (rows > UINT32_MAX - 1) return {Code::kUnsupported, "more than 2^32 - 2 rows"};
  const RowValues& labels = source.labels;
  if (labels.width > 0 && labels.values.size() != rows * labels.width) {
    return {Code::kInvalidArgument, "expected as many labels as rows"};
  }
  return Status::ok();
}

void hash_texts(Source& source) {
  source.text_hashes.resize(source.rows() * source.columns.size());
  std::size_t cell = 0;
  for (std::size_t row = 0; row < source.rows(); ++row) {
    for (const auto& column : source.columns) {
      std::uint64_t hash = 0;
      for (std::uint64_t k = column->offsets[row]; k < column->offsets[row + 1]; ++k) {
        hash = mix64(hash ^ column->ids[k]);
      }
      source.text_hashes[cell++] = hash;
    }
  }
}

}  // namespace stillvec::training
