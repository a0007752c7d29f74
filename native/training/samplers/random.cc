#include <numeric>

#include "training/samplers/consecutive.h"
#include "training/samplers/sampler.h"
#include "training/samplers/shuffle.h"

namespace stillvec::training {
namespace {

// A permutation of the rows, another each epoch.
class RandomOrder final : public Sampler {
 public:
  RandomOrder(std::size_t rows, const SamplerConfig& config) : rows_(rows), config_(config) {}

  bool draw(std::uint64_t epoch, Batches& out, const ShallStop&) const override {
    out.rows.resize(rows_);
    std::iota(out.rows.begin(), out.rows.end(), 0u);
    Random random(config_.seed + epoch);
    shuffle(std::span(out.rows), random);
    cut_consecutive(config_, out);
    return true;
  }

  std::size_t count(std::uint64_t, const ShallStop&) const override { return count_consecutive(rows_, config_); }

 private:
  const std::size_t rows_;
  const SamplerConfig config_;
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_random(Source& source, const SamplerConfig& config) {
  return std::unique_ptr<Sampler>(std::make_unique<RandomOrder>(source.rows(), config));
}

}  // namespace stillvec::training
