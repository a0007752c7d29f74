#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/status.h"
#include "text/pipeline.h"

namespace stillvec::binding {

// Makes a pipeline for a vocabulary, on any thread, once.
using MakePipeline = std::function<Result<std::unique_ptr<const text::Pipeline>>(const std::vector<std::string>&)>;

// Reads the normalizers, the preTokenizers and the model of a tokenizer's config.
MakePipeline read_pipeline(const Napi::Object& config);

// supportsPattern(regex): boolean, whether a step may look for it
Napi::Value supports_pattern(const Napi::CallbackInfo& info);

}  // namespace stillvec::binding
