#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/shall_stop.h"
#include "runtime/status.h"
#include "training/samplers/batches.h"
#include "training/source.h"

namespace stillvec::training {

struct SamplerConfig {
  std::size_t batch_size = 0;  // 1 or more
  std::size_t least_rows = 1;  // of a batch: what the loss needs to learn from it. Smaller ones are left out
  bool drop_last = false;      // leaves out each batch that is not full
  std::uint64_t seed = 0;

  std::size_t least_batch() const { return drop_last ? batch_size : least_rows; }
};

// Divides the rows of a source into the batches of an epoch. An epoch depends on the seed and its number alone, so that
// a run can be resumed from two numbers: the epoch, and the batches it has taken of it.
class Sampler {
 public:
  virtual ~Sampler() = default;

  // False when it was stopped: what `out` holds means nothing then.
  virtual bool draw(std::uint64_t epoch, Batches& out, const ShallStop& shall_stop) const = 0;

  // How many batches draw() gives; none where it was stopped.
  virtual std::size_t count(std::uint64_t epoch, const ShallStop& shall_stop) const = 0;
};

// Reads what it needs of `source`, which must outlive what it makes. kInvalidArgument where no batch can be drawn as
// the sampler promises.
using MakeSampler = Result<std::unique_ptr<Sampler>>(Source& source, const SamplerConfig& config);

}  // namespace stillvec::training
