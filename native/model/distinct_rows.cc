#include "model/distinct_rows.h"

#include <cmath>

namespace stillvec::model {
namespace {

constexpr std::uint32_t kNoPlace = UINT32_MAX;

}  // namespace

DistinctRows::DistinctRows(const Pooling& pooling, std::size_t table_rows)
    : weighting_(pooling.weighting), places_(table_rows, 0) {
  for (const std::uint32_t id : pooling.excluded_ids) {
    if (id < table_rows) places_[id] = kNoPlace;
  }
}

DistinctRows::Text DistinctRows::weigh(std::span<const std::uint32_t> ids, kernels::WeightedRow* out) {
  std::uint32_t count = 0, tokens = 0;
  for (const std::uint32_t id : ids) {
    std::uint32_t& place = places_[id];
    if (place < count && out[place].row == id) {
      out[place].weight += 1.0f;
    } else if (place != kNoPlace) {
      place = count;
      out[count++] = {id, 1.0f};
    } else {
      continue;
    }
    ++tokens;
  }
  if (weighting_ == Weighting::kMean) return {count, static_cast<float>(tokens)};
  double divisor = 0.0;
  for (std::uint32_t i = 0; i < count; ++i) {
    out[i].weight = std::sqrt(out[i].weight);
    divisor += static_cast<double>(out[i].weight);
  }
  return {count, static_cast<float>(divisor)};
}

}  // namespace stillvec::model
