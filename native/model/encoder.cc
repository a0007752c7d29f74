#include "model/encoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/bag/bag.h"
#include "kernels/vector/vector.h"

namespace stillvec::model {
namespace {

// Texts are tokenized some way ahead of the pooling, so that the rows of the next text are fetched while this one's
// are summed, and that the word cache and the rows take turns in L2 seldom: 64 KiB of ids.
constexpr std::size_t kIdsAhead = 16384;

kernels::MeanRows kernel_for(Dtype dtype) {
  const kernels::BagKernels& bag = kernels::bag_kernels();
  switch (dtype) {
    case Dtype::kF32: return bag.mean_f32;
    case Dtype::kF16: return bag.mean_f16;
    case Dtype::kBf16: return bag.mean_bf16;
    case Dtype::kI8: return bag.mean_i8;
  }
  return bag.mean_f32;
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
      : mean_(kernel_for(table.dtype())),
        view_{table.data(), table.scales(), table.dim()},
        options_(options),
        columns_(kept_columns(options, table.dim())),
        scratch_(scratch) {
    if (!writes_in_place()) scratch_.resize(view_.dim);
  }

  void pool(const kernels::Bag& bag, std::byte* out) {
    const kernels::VectorKernels& vector = kernels::vector_kernels();
    float* row = writes_in_place() ? reinterpret_cast<float*>(out) : scratch_.data();
    mean_(view_, bag, options_.normalize_full ? view_.dim : columns_, row);
    if (options_.normalize_full) vector.scale(row, inverse_norm(row, view_.dim), columns_, row);
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
    return options_.output == Output::kF32 && (!options_.normalize_full || columns_ == view_.dim);
  }

  kernels::MeanRows mean_;
  kernels::TableView view_;
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
  text::WordPieceTokenizer::ScratchPtr tokenizer;
  std::vector<std::uint32_t> ids;
  std::vector<std::size_t> ends;  // where each text's ids end
  std::string prompted;
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

Encoder::Encoder(std::shared_ptr<const text::WordPieceTokenizer> tokenizer, std::shared_ptr<const EmbeddingTable> table,
                 Pooling pooling)
    : tokenizer_(std::move(tokenizer)), table_(std::move(table)), pooling_(std::move(pooling)) {}

Encoder::~Encoder() = default;

std::size_t Encoder::encode(const Texts& texts, std::size_t begin, std::size_t end, std::string_view prompt,
                            const RowOptions& options, std::byte* out) const {
  const ScratchLease scratch(*this);
  Pooler pooler(*table_, options, scratch->row);
  const std::size_t stride = row_bytes(options, table_->dim());
  std::size_t tokens = 0;

  std::vector<std::uint32_t>& ids = scratch->ids;
  std::vector<std::size_t>& ends = scratch->ends;
  std::size_t tokenized = begin, pooled = begin;
  while (tokenized < end) {
    ids.clear();
    ends.clear();
    while (tokenized < end && ids.size() < kIdsAhead) {
      scratch.tokenize(prompt, texts[tokenized++], ids);
      ends.push_back(ids.size());
    }
    std::size_t from = 0;
    for (const std::size_t to : ends) {
      pooler.pool({ids.data() + from, to - from, ids.size() - to}, out + pooled++ * stride);
      from = to;
    }
    tokens += ids.size();
  }
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
  Pooler pooler(*table_, options, scratch->row);
  const std::size_t stride = row_bytes(options, table_->dim());
  for (std::size_t t = begin; t < end; ++t) {
    const std::size_t count = offsets[t + 1] - offsets[t];
    pooler.pool({ids.data() + offsets[t], count, static_cast<std::size_t>(offsets[end] - offsets[t + 1])},
                out + t * stride);
  }
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
