#include "training/touched_rows.h"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/products/products.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

constexpr std::size_t kTextsPerChunk = 128;

// Counts in a cache line: threads share none.
constexpr std::uint32_t kRowsPerLine = 16;

// An optimizer's update of a row moves as many bytes as summing this many rows.
constexpr std::size_t kUpdateCost = 6;
constexpr std::size_t kMostRuns = 512;

Status check(std::span<const std::shared_ptr<const TokenColumn>> columns, std::span<const std::uint32_t> batch,
             std::size_t table_rows) {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const TokenColumn& column = *columns[c];
    for (std::uint32_t row : batch) {
      if (row >= column.count()) {
        return {Code::kOutOfRange, "batch row " + std::to_string(row) + " of column " + std::to_string(c) +
                                       ", which has " + std::to_string(column.count()) + " texts"};
      }
      const std::uint64_t begin = column.offsets[row], end = column.offsets[row + 1];
      if (begin > end || end > column.ids.size()) {
        return {Code::kOutOfRange, "offsets of text " + std::to_string(row) + " of column " + std::to_string(c)};
      }
      for (std::uint64_t k = begin; k < end; ++k) {
        if (column.ids[k] >= table_rows) {
          return {Code::kOutOfRange, "token id " + std::to_string(column.ids[k]) + " in text " + std::to_string(row) +
                                         " of column " + std::to_string(c) + ", but the table has " +
                                         std::to_string(table_rows) + " rows"};
        }
      }
    }
  }
  return Status::ok();
}

}  // namespace

TouchedRows::TouchedRows(ThreadPool& pool, std::size_t table_rows, model::Pooling pooling)
    : pool_(pool), pooling_(std::move(pooling)), counts_(table_rows, 0), slots_(pool.size()) {}

Status TouchedRows::build(std::span<const std::shared_ptr<const TokenColumn>> columns,
                          std::span<const std::uint32_t> batch, std::span<const std::size_t> first_text,
                          std::size_t text_rows) {
  if (Status status = check(columns, batch, counts_.size()); !status.is_ok()) return status;

  // By text: each has room for all of its tokens.
  text_begin_.assign(text_rows, 0);
  text_.assign(text_rows, {});
  std::size_t tokens = 0;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      text_begin_[first_text[c] + i] = tokens;
      tokens += columns[c]->offsets[batch[i] + 1] - columns[c]->offsets[batch[i]];
    }
  }
  by_text_.reserve(tokens);
  by_row_.reserve(tokens);
  // All memory is had before anything is counted: a build that fails leaves no counts to the next one.
  const std::size_t most_rows = std::min(tokens, counts_.size());
  rows_.clear();
  row_begin_.clear();
  runs_.clear();
  rows_.reserve(most_rows);
  row_begin_.reserve(most_rows + 1);
  runs_.reserve(kMostRuns + 2);
  const std::size_t chunks = kernels::blocks_for(batch.size(), kTextsPerChunk);
  pool_.parallel_for(columns.size() * chunks, [&](std::size_t chunk, unsigned slot) {
    if (!slots_[slot].has_value()) slots_[slot].emplace(pooling_, counts_.size());
    const std::size_t c = chunk / chunks, begin = chunk % chunks * kTextsPerChunk;
    const TokenColumn& column = *columns[c];
    for (std::size_t i = begin; i < std::min(batch.size(), begin + kTextsPerChunk); ++i) {
      const std::size_t text = first_text[c] + i, first = column.offsets[batch[i]];
      const std::span<const std::uint32_t> ids(column.ids.data() + first, column.offsets[batch[i] + 1] - first);
      text_[text] = slots_[slot]->weigh(ids, by_text_.data() + text_begin_[text]);
    }
  });

  // By row: a counting sort, texts ascending within a row. Every thread goes over all entries and counts and places
  // those of its rows.
  const std::size_t parts = pool_.size();
  const auto for_each_entry = [&](std::size_t part, auto&& visit) {
    for (std::uint32_t text = 0; text < text_rows; ++text) {
      for (const kernels::WeightedRow& token : this->tokens(text)) {
        if (token.row / kRowsPerLine % parts == part) visit(text, token);
      }
    }
  };
  pool_.parallel_for(parts, [&](std::size_t part, unsigned) {
    for_each_entry(part, [&](std::uint32_t, const kernels::WeightedRow& token) { ++counts_[token.row]; });
  });
  std::size_t begin = 0;
  for (std::uint32_t row = 0; row < counts_.size(); ++row) {
    if (counts_[row] == 0) continue;
    rows_.push_back(row);
    row_begin_.push_back(begin);
    begin += counts_[row];
    counts_[row] = static_cast<std::uint32_t>(row_begin_.back());
  }
  row_begin_.push_back(begin);
  pool_.parallel_for(parts, [&](std::size_t part, unsigned) {
    for_each_entry(part, [&](std::uint32_t text, const kernels::WeightedRow& token) {
      by_row_[counts_[token.row]++] = {text, token.weight};
    });
  });
  for (std::uint32_t row : rows_) counts_[row] = 0;

  const std::size_t total = begin + kUpdateCost * rows_.size();
  const std::size_t share = total / kMostRuns + 1;
  std::size_t cost = share;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (cost >= share) {
      runs_.push_back(i);
      cost = 0;
    }
    cost += kUpdateCost + row_begin_[i + 1] - row_begin_[i];
  }
  runs_.push_back(rows_.size());
  return Status::ok();
}

}  // namespace stillvec::training
