#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/shall_stop.h"
#include "runtime/status.h"
#include "training/token_column.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::training {

// In how many texts of all columns each of `tokens` token ids stands, however often. kCorrupt for an id that is none of
// them, kAborted when it was stopped. Throws std::bad_alloc where there is no memory for a count a token and thread.
Result<std::vector<std::uint64_t>> document_frequencies(ThreadPool& pool,
                                                        std::span<const std::shared_ptr<const TokenColumn>> columns,
                                                        std::size_t tokens, const ShallStop& shall_stop);

}  // namespace stillvec::training
