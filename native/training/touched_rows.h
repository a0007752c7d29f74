#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kernels/bag/bag.h"
#include "model/distinct_rows.h"
#include "runtime/buffer.h"
#include "runtime/status.h"
#include "training/token_column.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::training {

// The tokens of a batch, as the sparse matrix that sums each text's rows of the table: by text for the forward pass, by
// row for the backward one. A token that repeats in a text is one entry, with its weight. Texts are divided by the sum
// of their weights apart from that: a rounded share as weight would bias all of a text's gradient alike, which Adam,
// that goes by signs where gradients cancel, shows.
class TouchedRows {
 public:
  TouchedRows(ThreadPool& pool, std::size_t table_rows, model::Pooling pooling = {});

  // `first_text[c]`: the number of column c's first text. Numbers that belong to no text have no entries.
  Status build(std::span<const std::shared_ptr<const TokenColumn>> columns, std::span<const std::uint32_t> batch,
               std::span<const std::size_t> first_text, std::size_t text_rows);

  // Rows of the table that any text has, ascending.
  std::span<const std::uint32_t> rows() const { return rows_; }

  // The sum of the weights of a text's tokens: 0 where none counts.
  float divisor(std::size_t text) const { return text_[text].divisor; }

  // {row of the table, weight} for each distinct token of a text.
  std::span<const kernels::WeightedRow> tokens(std::size_t text) const {
    return {by_text_.data() + text_begin_[text], text_[text].count};
  }

  // {text, weight} for each text that has rows()[i].
  std::span<const kernels::WeightedRow> texts(std::size_t i) const {
    return {by_row_.data() + row_begin_[i], row_begin_[i + 1] - row_begin_[i]};
  }

  // Those that the next rows of rows() have, one after the other.
  std::span<const kernels::WeightedRow> texts_behind(std::size_t i) const {
    return {by_row_.data() + row_begin_[i + 1], row_begin_.back() - row_begin_[i + 1]};
  }

  // Runs of rows() that cost about the same: run k is [runs()[k], runs()[k + 1]).
  std::span<const std::size_t> runs() const { return runs_; }

 private:
  ThreadPool& pool_;
  const model::Pooling pooling_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::size_t> row_begin_;
  std::vector<std::size_t> runs_;
  std::vector<std::size_t> text_begin_;
  std::vector<model::DistinctRows::Text> text_;
  Buffer<kernels::WeightedRow> by_text_;
  Buffer<kernels::WeightedRow> by_row_;
  std::vector<std::uint32_t> counts_;                      // per row of the table; zero between builds
  std::vector<std::optional<model::DistinctRows>> slots_;  // one a thread that has looked at a text
};

}  // namespace stillvec::training
