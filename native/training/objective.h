#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/products/products.h"
#include "runtime/shall_stop.h"
#include "runtime/status.h"
#include "training/matryoshka.h"
#include "training/source.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::training {

// Where the texts of a batch stand among `text_rows()` rows: the columns after the first back to back, since ranking
// losses take them as one run of candidates, then the first one, from where a panel of the products begins. Rows
// between and behind them are no text.
struct TextLayout {
  std::size_t columns = 0;
  std::size_t size = 0;  // of the batch

  // Text (column, row of the batch) stands at first_text(column) + row.
  std::size_t first_text(std::size_t column) const {
    return column > 0 ? (column - 1) * size : padded((columns - 1) * size);
  }
  std::size_t text_rows() const { return columns == 0 ? 0 : first_text(0) + padded(size); }

  friend bool operator==(const TextLayout&, const TextLayout&) = default;

 private:
  static std::size_t padded(std::size_t rows) {
    return kernels::blocks_for(rows, kernels::kPanelColumns) * kernels::kPanelColumns;
  }
};

// The texts of a step, pooled.
struct Batch {
  TextLayout layout;
  const float* texts = nullptr;  // layout.text_rows() x dim
  std::size_t dim = 0;
  std::span<const std::uint32_t> rows;  // of the source: where the labels of the batch's rows stand
  const Source* source = nullptr;

  // Those of row `i` of the batch: source->labels.width numbers.
  const float* labels(std::size_t i) const { return source->labels.row(rows[i]); }
};

// Rows of `width` floats, `stride` apart; what the texts have beyond `width` columns has no gradient.
struct TextGradients {
  float* rows = nullptr;
  std::size_t stride = 0;
  std::size_t width = 0;
};

class Parameters;

// One loss over pooled texts, and its gradient with respect to them. Whatever the number of threads, a run gives the
// same bits.
class Objective {
 public:
  virtual ~Objective() = default;

  // kInvalidArgument, saying why, where the loss can not be computed from batches of `source`: too few columns, labels
  // of another width.
  virtual Status check(const Source& source) const = 0;

  // Rows of a batch from which there is something to learn.
  virtual std::size_t least_rows() const { return 1; }

  // Whether it reads source.text_hashes.
  virtual bool compares_texts() const { return false; }

  // The sum over `prefixes`, which ascend strictly in dim, of weight * loss of the texts' first `dim` columns. Where it
  // is stopped on the way, neither the loss nor the gradient means anything.
  virtual double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) = 0;

  // Of the last run, until the next one: a row a text. Rows of no text hold anything.
  virtual TextGradients gradients() = 0;

  // What it learns itself, with the gradient of the last run; null for nothing.
  virtual Parameters* parameters() { return nullptr; }
};

// What objectives are made with.
struct ObjectiveContext {
  ThreadPool& pool;
  std::size_t dim;        // of the model
  bool normalizes;        // prefixes are scaled to length one before the loss sees them (Matryoshka)
  std::size_t guide = 0;  // its place in source.guides
  const kernels::ProductKernels& products;
  std::uint64_t seed = 0;  // of what it learns itself
};

}  // namespace stillvec::training
