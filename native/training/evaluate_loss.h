#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "model/embedding_table.h"
#include "model/pooling.h"
#include "runtime/shall_stop.h"
#include "runtime/status.h"
#include "training/criterion.h"
#include "training/source.h"

namespace stillvec::training {

// The mean of a criterion over the batches of a source, which are its rows in their order; those at the end that are
// fewer than it compares are left out, and all Matryoshka dims count, whatever the terms say of a step. Nothing is
// trained. The same bits for any number of threads.
//
// kInvalidArgument for a source or terms that Criterion refuses, for a loss that learns something itself, which is
// known to its run only, and where there is no batch; kAborted where it was stopped.
Result<double> evaluate_loss(ThreadPool& pool, const std::shared_ptr<const model::EmbeddingTable>& table, Source source,
                             std::vector<CriterionTerm> terms, Precision precision, std::size_t batch_size,
                             model::Pooling pooling = {}, const ShallStop& shall_stop = {});

}  // namespace stillvec::training
