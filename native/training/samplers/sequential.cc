#include <numeric>

#include "training/samplers/consecutive.h"
#include "training/samplers/sampler.h"

namespace stillvec::training {
namespace {

// The rows as they stand.
class Sequential final : public Sampler {
 public:
  Sequential(std::size_t rows, const SamplerConfig& config) : rows_(rows), config_(config) {}

  bool draw(std::uint64_t, Batches& out, const ShallStop&) const override {
    out.rows.resize(rows_);
    std::iota(out.rows.begin(), out.rows.end(), 0u);
    cut_consecutive(config_, out);
    return true;
  }

  std::size_t count(std::uint64_t, const ShallStop&) const override { return count_consecutive(rows_, config_); }

 private:
  const std::size_t rows_;
  const SamplerConfig config_;
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_sequential(Source& source, const SamplerConfig& config) {
  return std::unique_ptr<Sampler>(std::make_unique<Sequential>(source.rows(), config));
}

}  // namespace stillvec::training
