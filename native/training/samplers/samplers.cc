#include "training/samplers/samplers.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace stillvec::training {

MakeSampler make_sequential, make_random, make_no_duplicates, make_group_by_label;
MixSources mix_proportional, mix_round_robin;

namespace {

template <typename Function>
struct Named {
  std::string_view name;
  Function* function;
};

constexpr Named<MakeSampler> kSamplers[] = {
    {"sequential", make_sequential},
    {"random", make_random},
    {"no_duplicates", make_no_duplicates},
    {"group_by_label", make_group_by_label},
};

constexpr Named<MixSources> kMixtures[] = {
    {"proportional", mix_proportional},
    {"round_robin", mix_round_robin},
};

template <typename Function, std::size_t count>
Function* find(const Named<Function> (&all)[count], std::string_view name) {
  const auto* found = std::ranges::find(all, name, &Named<Function>::name);
  return found == std::end(all) ? nullptr : found->function;
}

}  // namespace

Result<std::unique_ptr<Sampler>> make_sampler(std::string_view name, Source& source, const SamplerConfig& config) {
  MakeSampler* make = find(kSamplers, name);
  if (make == nullptr) return Status{Code::kInvalidArgument, "there is no batchSampler " + std::string(name)};
  return make(source, config);
}

MixSources* find_mixture(std::string_view name) { return find(kMixtures, name); }

}  // namespace stillvec::training
