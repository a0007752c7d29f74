#pragma once

#include <napi.h>

#include "training/source.h"

namespace stillvec::binding {

// { columns: TokenColumn[], labels: { values, width } | null, guides: { values, width }[][] }, as a run reads it.
// Values are rows x width floats that threads may read; the guides have one for each column, or none, and one list for
// each term of the loss.
training::Source source_value(const Napi::Object& object);

}  // namespace stillvec::binding
