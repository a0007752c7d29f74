#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/status.h"
#include "training/token_column.h"

namespace stillvec::training {

// Numbers that a dataset has for each of its rows.
struct RowValues {
  Values<float> values;   // rows x width
  std::size_t width = 0;  // 0: there are none

  const float* row(std::size_t i) const { return values.data() + i * width; }
};

// One dataset as training reads it.
struct Source {
  std::vector<std::shared_ptr<const TokenColumn>> columns;  // of one length, the number of rows
  RowValues labels;
  // What a guide makes of the texts, for each term of the criterion that has a guide: one a column.
  std::vector<std::vector<RowValues>> guides;
  // Of every text, rows x columns: equal for equal texts. Only where a criterion compares texts.
  std::vector<std::uint64_t> text_hashes;

  std::size_t rows() const { return columns.empty() ? 0 : columns.front()->count(); }
};

// kInvalidArgument for a source without columns, with columns of several lengths or with labels for another number of
// rows; kUnsupported for more than 2^32 - 2 rows.
Status check_shape(const Source& source);

// Fills source.text_hashes. Texts are the same when their token ids are, since equal ids have equal embeddings.
void hash_texts(Source& source);

}  // namespace stillvec::training
