#include "model/encoder.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "kernels/bag/bag.h"
#include "kernels/vector/vector.h"
#include "model/distinct_rows.h"
#include "runtime/buffer.h"

namespace stillvec::model {
namespace {

// Texts are tokenized some way ahead of the pooling, so that the rows of the next text are fetched while this one's
// are summed, and that the word cache and the rows take turns in L2 seldom: 128 KiB of rows' numbers and weights.
constexpr std::size_t kRowsAhead = 16384;

kernels::SumRows kernel_for(Dtype dtype) {
  const kernels::BagKernels& bag = kernels::bag_kernels();
  switch (dtype) {
    case Dtype::kF32: return bag.sum_f32;
    case Dtype::kF16: return bag.sum_f16;
    case Dtype::kBf16: return bag.sum_bf16;
    case Dtype::kI8: return bag.sum_i8;
  }
  return bag.sum_f32;
}

std::size_t kept_columns(const RowOptions& options, std::size_t dim) {
  return options.columns == 0 ? dim : std::min(options.columns, dim);
}

// 1 / max(|x|, 1e-12), as torch's F.normalize; a zero row stays zero.
float inverse_norm(const float* row, std::size_t columns) {
  const float norm = std::sqrt(kernels::vector_kernels().dot(row, row, columns));
  return 1.0f / std::max(norm, 1e-12f);
}

// Pools bags and finishes each row as the options say.
class Pooler {
 public:
  // `scratch` holds one row of the table's width.
  Pooler(const EmbeddingTable& table, const RowOptions& options, std::vector<float>& scratch)
      : sum_(kernel_for(table.dtype())),
        view_{table.data(), table.scales(), table.dim()},
        dim_(table.dim()),
        options_(options),
        columns_(kept_columns(options, table.dim())),
        scratch_(scratch) {
    if (!writes_in_place()) scratch_.resize(dim_);
  }

  // `divisor`: the sum of the bag's weights.
  void pool(const kernels::Bag& bag, float divisor, std::byte* out) {
    const kernels::VectorKernels& vector = kernels::vector_kernels();
    float* row = writes_in_place() ? reinterpret_cast<float*>(out) : scratch_.data();
    sum_(view_, bag, divisor > 0.0f ? 1.0f / divisor : 0.0f, options_.normalize_full ? dim_ : columns_, row);
    if (options_.normalize_full) vector.scale(row, inverse_norm(row, dim_), columns_, row);
    if (options_.normalize) vector.scale(row, inverse_norm(row, columns_), columns_, row);
    switch (options_.output) {
      case Output::kF32:
        if (!writes_in_place()) std::copy_n(row, columns_, reinterpret_cast<float*>(out));
        break;
      case Output::kBinary: vector.pack_signs(row, columns_, 0x80, reinterpret_cast<std::uint8_t*>(out)); break;
      case Output::kUbinary: vector.pack_signs(row, columns_, 0, reinterpret_cast<std::uint8_t*>(out)); break;
    }
  }

 private:
  bool writes_in_place() const {
    return options_.output == Output::kF32 && (!options_.normalize_full || columns_ == dim_);
  }

  kernels::SumRows sum_;
  kernels::TableView view_;
  std::size_t dim_;
  RowOptions options_;
  std::size_t columns_;
  std::vector<float>& scratch_;
};

}  // namespace

std::size_t row_bytes(const RowOptions& options, std::size_t dim) {
  const std::size_t columns = kept_columns(options, dim);
  return options.output == Output::kF32 ? columns * sizeof(float) : (columns + 7) / 8;
}

struct Encoder::Scratch {
  text::Tokenizer::ScratchPtr tokenizer;
  std::string prompted;
  std::vector<std::uint32_t> ids;  // of one text
  std::optional<DistinctRows> distinct;
  Buffer<kernels::WeightedRow> rows;  // of the texts to pool
  std::vector<DistinctRows::Text> texts;
  std::vector<float> row;
  std::unique_ptr<Scratch> next;  // among the free ones: giving one back takes no memory
};

class Encoder::ScratchLease {
 public:
  explicit ScratchLease(const Encoder& encoder) : encoder_(encoder) {
    {
      std::lock_guard lock(encoder_.mutex_);
      scratch_ = std::move(encoder_.free_);
      if (scratch_ != nullptr) encoder_.free_ = std::move(scratch_->next);
    }
    if (scratch_ == nullptr) {
      scratch_ = std::make_unique<Scratch>();
      if (encoder_.tokenizer_ != nullptr) scratch_->tokenizer = encoder_.tokenizer_->make_scratch();
    }
  }
  ~ScratchLease() {
    std::lock_guard lock(encoder_.mutex_);
    scratch_->next = std::move(encoder_.free_);
    encoder_.free_ = std::move(scratch_);
  }
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;

  Scratch* operator->() const { return scratch_.get(); }
  Scratch& operator*() const { return *scratch_; }

  // Appends the ids of prompt + text.
  void tokenize(std::string_view prompt, std::string_view text, std::vector<std::uint32_t>& ids) const {
    if (!prompt.empty()) {
      scratch_->prompted.assign(prompt).append(text);
      text = scratch_->prompted;
    }
    encoder_.tokenizer_->encode(text, *scratch_->tokenizer, ids);
  }

 private:
  const Encoder& encoder_;
  std::unique_ptr<Scratch> scratch_;
};

Encoder::Encoder(std::shared_ptr<const text::Tokenizer> tokenizer, std::shared_ptr<const EmbeddingTable> table,
                 Pooling pooling)
    : tokenizer_(std::move(tokenizer)), table_(std::move(table)), pooling_(std::move(pooling)) {}

Encoder::~Encoder() = default;

template <typename IdsOf>
void Encoder::pool_texts(Scratch& scratch, std::size_t begin, std::size_t end, const RowOptions& options,
                         std::byte* out, IdsOf&& ids_of) const {
  if (!scratch.distinct.has_value()) scratch.distinct.emplace(pooling_, table_->rows());
  Pooler pooler(*table_, options, scratch.row);
  const std::size_t stride = row_bytes(options, table_->dim());
  Buffer<kernels::WeightedRow>& rows = scratch.rows;
  rows.reserve(kRowsAhead);
  scratch.texts.clear();  // a call that ran out of memory leaves its own
  std::size_t known = 0, pooled = begin;
  const auto pool = [&] {
    const kernels::WeightedRow* row = rows.data();
    const kernels::WeightedRow* const last = row + known;
    for (const auto& [count, divisor] : scratch.texts) {
      const kernels::WeightedRow* next = row + count;
      pooler.pool({row, count, next, static_cast<std::size_t>(last - next)}, divisor, out + pooled++ * stride);
      row = next;
    }
    scratch.texts.clear();
    known = 0;
  };
  for (std::size_t t = begin; t < end; ++t) {
    const std::span<const std::uint32_t> ids = ids_of(t);
    if (known + ids.size() > kRowsAhead) {
      pool();
      rows.reserve(ids.size());
    }
    scratch.texts.push_back(scratch.distinct->weigh(ids, rows.data() + known));
    known += scratch.texts.back().count;
  }
  pool();
}

std::size_t Encoder::encode(const Texts& texts, std::size_t begin, std::size_t end, std::string_view prompt,
                            const RowOptions& options, std::byte* out) const {
  const ScratchLease scratch(*this);
  std::size_t tokens = 0;
  pool_texts(*scratch, begin, end, options, out, [&](std::size_t t) {
    scratch->ids.clear();
    scratch.tokenize(prompt, texts[t], scratch->ids);
    tokens += scratch->ids.size();
    return std::span<const std::uint32_t>(scratch->ids);
  });
  return tokens;
}

Status Encoder::pool_ids(std::span<const std::uint32_t> ids, std::span<const std::uint64_t> offsets, std::size_t begin,
                         std::size_t end, const RowOptions& options, std::byte* out) const {
  if (begin == end) return Status::ok();
  if (begin > end || end >= offsets.size()) {
    return {Code::kOutOfRange, "texts [" + std::to_string(begin) + ", " + std::to_string(end) + ") of " +
                                   std::to_string(offsets.empty() ? 0 : offsets.size() - 1)};
  }
  for (std::size_t t = begin; t < end; ++t) {
    if (offsets[t] > offsets[t + 1] || offsets[t + 1] > ids.size()) {
      return {Code::kOutOfRange, "text " + std::to_string(t) + ": ids [" + std::to_string(offsets[t]) + ", " +
                                     std::to_string(offsets[t + 1]) + ") of " + std::to_string(ids.size())};
    }
    for (std::uint64_t i = offsets[t]; i < offsets[t + 1]; ++i) {
      if (ids[i] >= table_->rows()) {
        return {Code::kOutOfRange, "text " + std::to_string(t) + ": token id " + std::to_string(ids[i]) +
                                       " has no row in a table of " + std::to_string(table_->rows())};
      }
    }
  }
  const ScratchLease scratch(*this);
  pool_texts(*scratch, begin, end, options, out,
             [&](std::size_t t) { return ids.subspan(offsets[t], offsets[t + 1] - offsets[t]); });
  return Status::ok();
}

void Encoder::tokenize(const Texts& texts, std::size_t begin, std::size_t end, std::string_view prompt,
                       std::vector<std::uint32_t>& ids, std::vector<std::uint32_t>& lengths) const {
  const ScratchLease scratch(*this);
  for (std::size_t t = begin; t < end; ++t) {
    const std::size_t before = ids.size();
    scratch.tokenize(prompt, texts[t], ids);
    lengths.push_back(static_cast<std::uint32_t>(ids.size() - before));
  }
}

}  // namespace stillvec::model
