#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/rows/rows.h"
#include "runtime/buffer.h"
#include "runtime/thread_pool.h"
#include "training/losses/losses.h"
#include "training/matrix_product.h"
#include "training/objectives/prefix_texts.h"
#include "training/source_checks.h"

namespace stillvec::training {
namespace {

// Of every column, mean weight * m^2 + second moment weight * max(0, q - 1 / dim), where m is the mean and q the mean
// square of the cosines between different texts: what those of random directions are (Zhang et al. 2017,
// arXiv:1708.06320). Of several columns their mean or their sum.
//
// With X the texts of a column scaled to length one, and s the sum of its rows, the cosines sum to |s|^2 less the pairs
// of a text with itself, and their squares to |transposed(X) X|^2, which is |X transposed(X)|^2, less the same. Of
// these two squares the smaller is made. Of n texts it is transposed(X) X where n > dim; the sum is n^2 / dim or more
// then, so that what is taken away, n, leaves enough of it, while X transposed(X) is rid of its diagonal before it is
// summed.
class GlobalOrthogonalRegularizationLoss final : public Objective {
 public:
  GlobalOrthogonalRegularizationLoss(float mean_weight, float second_moment_weight, bool sums,
                                     const ObjectiveContext& context)
      : pool_(context.pool),
        mean_weight_(static_cast<double>(mean_weight)),
        second_moment_weight_(static_cast<double>(second_moment_weight)),
        sums_(sums),
        texts_(context.dim, true),
        product_(context.pool, context.products) {}

  Status check(const Source& source) const override {
    return expect_columns(source, 1, SIZE_MAX, "GlobalOrthogonalRegularizationLoss");
  }
  std::size_t least_rows() const override { return 2; }

  double run(const Batch& batch, const std::vector<Prefix>& prefixes, const ShallStop& shall_stop) override {
    const TextLayout& layout = batch.layout;
    const double share = sums_ ? 1.0 : 1.0 / static_cast<double>(layout.columns);
    count_ = layout.size;
    lengths_.resize(count_);
    squares_.resize(count_ + prefixes.back().dim);
    sum_.resize(prefixes.back().dim);
    scaled_.reserve(count_ * prefixes.back().dim);
    texts_.begin(batch, prefixes);
    double loss = 0.0;
    for (std::size_t column = 0; column < layout.columns; ++column) {
      const std::size_t first_text = layout.first_text(column);
      for_chunks(count_, [&](std::size_t i) {
        texts_.measure(first_text + i);
        texts_.clear_gradient(first_text + i);
      });
      for (std::size_t p = 0; p < prefixes.size(); ++p) {
        const double weight = share * static_cast<double>(prefixes[p].weight);
        loss += run_prefix(first_text, p, prefixes[p].dim, weight, shall_stop);
      }
    }
    return loss;
  }

  TextGradients gradients() override { return texts_.gradients(); }

 private:
  // Of one column's texts from `first_text` on, times `weight`; and adds the gradient.
  double run_prefix(std::size_t first_text, std::size_t prefix, std::size_t dim, double weight,
                    const ShallStop& shall_stop) {
    const kernels::RowKernels& rows = kernels::row_kernels();
    for_chunks(count_, [&](std::size_t i) {
      float* scaled = scaled_.data() + i * dim;
      texts_.view(first_text + i, prefix, scaled);
      lengths_[i] = static_cast<double>(rows.squared_norm(scaled, dim));
    });
    add_up(dim);
    const bool is_square_of_columns = count_ > dim;
    const MatrixView texts = {scaled_.data(), count_, dim, dim};
    const double sum_of_squares = multiply_by_itself(is_square_of_columns ? texts.transposed() : texts, shall_stop);
    const MatrixView square = {square_.data(), std::min(count_, dim), std::min(count_, dim), std::min(count_, dim)};

    double own = 0.0, own_squares = 0.0, cosines = 0.0;
    for (const double length : lengths_) {
      own += length;
      own_squares += length * length;
    }
    for (std::size_t k = 0; k < dim; ++k) cosines += sum_[k] * sum_[k];
    const double pairs = static_cast<double>(count_) * static_cast<double>(count_ - 1);
    const double mean = (cosines - own) / pairs;
    const double mean_square = (sum_of_squares - (is_square_of_columns ? own_squares : 0.0)) / pairs;
    const double excess = mean_square - 1.0 / static_cast<double>(dim);

    // d loss / d cosine = constant + linear * cosine, and each pair stands in both orders. What a text has with itself
    // lies along it, so that add_back() takes it away.
    const float constant = static_cast<float>(weight * mean_weight_ * 4.0 * mean / pairs);
    const float linear = excess > 0.0 ? static_cast<float>(weight * second_moment_weight_ * 4.0 / pairs) : 0.0f;
    const auto add_gradient = [&](const MatrixProduct::Rows& products) {
      for (std::size_t i = products.first; i < products.first + products.count; ++i) {
        float* gradient = products.row(i);
        for (std::size_t k = 0; k < dim; ++k) {
          gradient[k] = linear * gradient[k] + constant * static_cast<float>(sum_[k]);
        }
        texts_.add_back(first_text + i, prefix, scaled_.data() + i * dim, gradient);
      }
    };
    if (is_square_of_columns) {
      product_.run(texts, square, shall_stop, add_gradient);
    } else {
      product_.run(square, texts, shall_stop, add_gradient);
    }
    return weight * (mean_weight_ * mean * mean + second_moment_weight_ * std::max(excess, 0.0));
  }

  // The sum of the scaled texts.
  void add_up(std::size_t dim) {
    constexpr std::size_t kColumns = 64;
    pool_.parallel_for(kernels::blocks_for(dim, kColumns), [&](std::size_t chunk, unsigned) {
      const std::size_t begin = chunk * kColumns, end = std::min(dim, begin + kColumns);
      std::fill(sum_.data() + begin, sum_.data() + end, 0.0);
      for (std::size_t i = 0; i < count_; ++i) {
        const float* scaled = scaled_.data() + i * dim;
        for (std::size_t k = begin; k < end; ++k) sum_[k] += static_cast<double>(scaled[k]);
      }
    });
  }

  // Makes matrix * transposed(matrix), and gives the sum of its squares. Of texts, without the diagonal.
  double multiply_by_itself(const MatrixView& matrix, const ShallStop& shall_stop) {
    const std::size_t size = matrix.rows;
    square_.reserve(size * size);
    product_.run(matrix, matrix.transposed(), shall_stop, [&](const MatrixProduct::Rows& products) {
      for (std::size_t i = products.first; i < products.first + products.count; ++i) {
        float* row = square_.data() + i * size;
        std::memcpy(row, products.row(i), size * sizeof(float));
        if (!matrix.is_transposed) row[i] = 0.0f;
        squares_[i] = static_cast<double>(kernels::row_kernels().squared_norm(row, size));
      }
    });
    double sum = 0.0;
    for (std::size_t i = 0; i < size; ++i) sum += squares_[i];
    return sum;
  }

  template <typename Work>
  void for_chunks(std::size_t count, const Work& work) {
    constexpr std::size_t kChunk = 64;
    pool_.parallel_for(kernels::blocks_for(count, kChunk), [&](std::size_t chunk, unsigned) {
      const std::size_t end = std::min(count, (chunk + 1) * kChunk);
      for (std::size_t i = chunk * kChunk; i < end; ++i) work(i);
    });
  }

  ThreadPool& pool_;
  const double mean_weight_, second_moment_weight_;
  const bool sums_;
  PrefixTexts texts_;
  MatrixProduct product_;

  // Of the texts of one column at one prefix.
  std::size_t count_ = 0;
  Buffer<float> scaled_;         // to length one
  std::vector<double> lengths_;  // squared, as scaled
  std::vector<double> sum_;      // of the scaled texts
  Buffer<float> square_;         // of scaled_, over its columns or its rows
  std::vector<double> squares_;  // of square_'s values, by row
};

}  // namespace

Result<std::unique_ptr<Objective>> make_global_orthogonal_regularization_loss(const Settings& settings,
                                                                              const ObjectiveContext& context) {
  SettingsReader read(settings);
  const float mean_weight = read.not_negative("meanWeight");
  const float second_moment_weight = read.not_negative("secondMomentWeight");
  const bool sums = read.choice<bool>("aggregation", {{"mean", false}, {"sum", true}});
  if (!read.status().is_ok()) return read.status();
  return std::unique_ptr<Objective>(
      new GlobalOrthogonalRegularizationLoss(mean_weight, second_moment_weight, sums, context));
}

}  // namespace stillvec::training
