#include "training/evaluate_loss.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <numeric>
#include <string>
#include <utility>

#include "runtime/thread_pool.h"
#include "training/pooled_batch.h"

namespace stillvec::training {

Result<double> evaluate_loss(ThreadPool& pool, const std::shared_ptr<const model::EmbeddingTable>& table, Source source,
                             std::vector<CriterionTerm> terms, Precision precision, std::size_t batch_size,
                             model::Pooling pooling, const ShallStop& shall_stop) try {
  for (CriterionTerm& term : terms) term.dims_per_step = 0;
  auto made = Criterion::create(pool, table->dim(), std::move(terms), precision);
  if (!made.is_ok()) return made.status();
  Criterion& criterion = *made.value();
  if (criterion.state_size() > 0) {
    return Status{
        Code::kInvalidArgument,
        "expected a loss that learns nothing itself: its projection (projectionDim) is known to its run only"};
  }
  if (Status status = check_shape(source); !status.is_ok()) return status;
  if (Status status = criterion.check(source); !status.is_ok()) return status;
  const std::size_t least = criterion.least_rows();
  if (batch_size < least || source.rows() < least) {
    return Status{Code::kInvalidArgument, "expected batches of at least " + std::to_string(least) + " rows"};
  }
  if (criterion.compares_texts()) hash_texts(source);
  const auto values = model::as_f32(table, pool);
  if (!values.is_ok()) return values.status();

  PooledBatch texts(pool, table->rows(), table->dim(), std::move(pooling));
  std::uint64_t random = 0;
  criterion.draw_dims(random);
  std::vector<std::uint32_t> rows;
  double sum = 0.0;
  std::size_t batches = 0;
  for (std::size_t begin = 0; source.rows() - begin >= least; begin += rows.size(), ++batches) {
    rows.resize(std::min(batch_size, source.rows() - begin));
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
    if (Status status = texts.read(source, rows); !status.is_ok()) return status;
    sum += criterion.run(texts.pool(values.value()->f32().data(), criterion.width()), shall_stop);
    if (shall_stop && shall_stop()) return Status{Code::kAborted, "the evaluation was stopped"};
  }
  return sum / static_cast<double>(batches);
} catch (const std::bad_alloc&) {
  return Status{Code::kOutOfMemory, "not enough memory for a batch of " + std::to_string(batch_size)};
}

}  // namespace stillvec::training
