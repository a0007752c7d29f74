#pragma once

#include <cstddef>
#include <string>

#include "runtime/status.h"
#include "training/source.h"

namespace stillvec::training {

// What losses ask of a source. TypeScript has asked before, and names option and column; this is for who calls the
// addon directly.

inline Status expect_columns(const Source& source, std::size_t least, std::size_t most, const std::string& loss) {
  const std::size_t columns = source.columns.size();
  if (columns >= least && columns <= most) return Status::ok();
  return {Code::kInvalidArgument, loss + " does not take " + std::to_string(columns) + " columns of texts"};
}

inline Status expect_labels(const Source& source, std::size_t width, const std::string& loss) {
  if (source.labels.width == width) return Status::ok();
  return {Code::kInvalidArgument, loss + " takes " + std::to_string(width) + " numbers a row as label, not " +
                                      std::to_string(source.labels.width)};
}

}  // namespace stillvec::training
