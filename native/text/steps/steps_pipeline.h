#pragma once

#include <memory>
#include <vector>

#include "text/pipeline.h"
#include "text/steps/normalizer.h"
#include "text/steps/pre_tokenizer.h"
#include "text/word_model.h"

namespace stillvec::text {

// Any normalizers, any pre-tokenizers and any model, one after the other. The ids of a piece depend on its bytes alone,
// so most are found in a WordCache.
std::unique_ptr<const Pipeline> make_steps_pipeline(std::vector<NormalizerPtr> normalizers,
                                                    std::vector<PreTokenizerPtr> pre_tokenizers, WordModelPtr model);

}  // namespace stillvec::text
