#include "training/source.h"

#include "runtime/random.h"

namespace stillvec::training {

void hash_texts(Source& source) {
  source.text_hashes.resize(source.rows() * source.columns.size());
  std::size_t cell = 0;
  for (std::size_t row = 0; row < source.rows(); ++row) {
    for (const auto& column : source.columns) {
      std::uint64_t hash = 0;
      for (std::uint64_t k = column->offsets[row]; k < column->offsets[row + 1]; ++k) {
        hash = mix64(hash ^ column->ids[k]);
      }
      source.text_hashes[cell++] = hash;
    }
  }
}

}  // namespace stillvec::training
