#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "search/rows.h"

namespace stillvec::binding {

// Rows, and what keeps them there where threads read them.
struct SharedRows {
  std::shared_ptr<const void> keeper;
  search::Rows rows;

  // Of float32 rows.
  const float* floats() const { return static_cast<const float*>(rows.data); }
};

search::RowFormat format_argument(const Napi::CallbackInfo& info, std::size_t index);

// The rows of `dim` values of argument `index`: of a typed array, or `for_threads` of memory that they may read.
SharedRows rows_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name, search::RowFormat format,
                         std::size_t dim, bool for_threads);

// Arguments `index` and `index` + 1: the values, and their precision.
SharedRows rows_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name, std::size_t dim,
                         bool for_threads);

// A result has room for exactly rows x columns values.
void check_size(Napi::Env env, std::size_t size, std::size_t rows, std::size_t columns, const char* name);

}  // namespace stillvec::binding
