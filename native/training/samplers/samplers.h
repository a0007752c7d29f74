#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "training/samplers/sampler.h"

namespace stillvec::training {

// The sampler of that name (Sentence Transformers' `batch_sampler`). kInvalidArgument where there is none, and where
// the source does not suit it.
Result<std::unique_ptr<Sampler>> make_sampler(std::string_view name, Source& source, const SamplerConfig& config);

// The sources of an epoch's steps, in order, from the number of batches that each source has in it. Source k gives its
// batches in turn.
using MixSources = std::vector<std::uint32_t>(std::span<const std::size_t> batches, std::uint64_t seed,
                                              std::uint64_t epoch);

// The mixture of that name (Sentence Transformers' `multi_dataset_batch_sampler`); null where there is none.
MixSources* find_mixture(std::string_view name);

}  // namespace stillvec::training
