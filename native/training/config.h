#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/pooling.h"
#include "training/matryoshka.h"
#include "training/settings.h"

// What a training can be told, and its defaults.
namespace stillvec::training {

enum class OptimizerKind { kAdamW, kSparseAdam };

struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::kAdamW;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float eps = 1e-8f;
  float weight_decay = 0.0f;
  std::optional<float> max_grad_norm;  // absent: no clipping
};

enum class Precision { kFloat32, kBfloat16 };  // of a loss's products; sums and weights stay f32

// One part of a criterion: an objective on the whole embeddings, or on L2-normalized prefixes of them (MatryoshkaLoss).
struct CriterionTerm {
  Settings objective;
  float weight = 1.0f;
  std::vector<Prefix> matryoshka;  // ascending; empty: the full width, as it is
  std::size_t dims_per_step = 0;   // 0: all of them; else that many, drawn anew each step
};

struct RunConfig {
  std::vector<std::vector<CriterionTerm>> losses;
  std::string batch_sampler = "random";                      // see samplers.cc
  std::string multi_dataset_batch_sampler = "proportional";  // likewise
  std::size_t batch_size = 0;
  bool drop_last = false;
  std::uint64_t seed = 0;
  OptimizerConfig optimizer;
  Precision precision = Precision::kFloat32;
  model::Pooling pooling;
};

}  // namespace stillvec::training
