#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "loss_reference.h"

// Losses over all pairs of a batch's texts, from the definitions.
namespace stillvec::training::reference {

inline double hinge(double x) { return std::max(0.0, x); }

inline Matrix distances_of(const Matrix& texts, Measure distance) {
  Matrix all = zeros(texts.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < texts.size(); ++j) all[i][j] = i == j ? 0.0 : distance(texts[i], texts[j]);
  }
  return all;
}

inline PlainLoss batch_hard_triplet_loss(Measure distance, bool is_soft, double margin) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    const Matrix d = distances_of(texts[0], distance);
    double sum = 0.0;
    for (std::size_t i = 0; i < d.size(); ++i) {
      double positive = 0.0, negative = std::numeric_limits<double>::infinity();
      for (std::size_t j = 0; j < d.size(); ++j) {
        if (labels[j] == labels[i]) positive = std::max(positive, d[i][j]);
        if (labels[j] != labels[i]) negative = std::min(negative, d[i][j]);
      }
      if (std::isinf(negative)) negative = *std::ranges::max_element(d[i]);
      sum += is_soft ? std::log1p(std::exp(positive - negative)) : hinge(positive - negative + margin);
    }
    return sum / static_cast<double>(d.size());
  };
}

inline PlainLoss batch_semi_hard_triplet_loss(Measure distance, double margin) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    const Matrix d = distances_of(texts[0], distance);
    double sum = 0.0, pairs = 0.0;
    for (std::size_t i = 0; i < d.size(); ++i) {
      for (std::size_t p = 0; p < d.size(); ++p) {
        if (i == p || labels[i] != labels[p]) continue;
        double beyond = std::numeric_limits<double>::infinity(), farthest = 0.0;
        for (std::size_t n = 0; n < d.size(); ++n) {
          if (labels[n] == labels[i]) continue;
          farthest = std::max(farthest, d[i][n]);
          if (d[i][n] > d[i][p]) beyond = std::min(beyond, d[i][n]);
        }
        sum += hinge(d[i][p] - (std::isinf(beyond) ? farthest : beyond) + margin);
        pairs += 1.0;
      }
    }
    return pairs == 0.0 ? 0.0 : sum / pairs;
  };
}

inline PlainLoss batch_all_triplet_loss(Measure distance, double margin) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    const Matrix d = distances_of(texts[0], distance);
    double sum = 0.0, count = 0.0;
    for (std::size_t i = 0; i < d.size(); ++i) {
      for (std::size_t p = 0; p < d.size(); ++p) {
        if (i == p || labels[i] != labels[p]) continue;
        for (std::size_t n = 0; n < d.size(); ++n) {
          if (labels[n] == labels[i] || !(d[i][p] - d[i][n] + margin > 0.0)) continue;
          sum += d[i][p] - d[i][n] + margin;
          count += 1.0;
        }
      }
    }
    return count == 0.0 ? 0.0 : sum / count;
  };
}

inline PlainLoss mega_batch_margin_loss(double positive_margin, double negative_margin) {
  return [=](const std::vector<Matrix>& texts, const Matrix&) {
    double sum = 0.0;
    for (std::size_t i = 0; i < texts[0].size(); ++i) {
      double negative = -std::numeric_limits<double>::infinity();
      for (std::size_t j = 0; j < texts[0].size(); ++j) {
        if (j != i) negative = std::max(negative, cosine(texts[0][i], texts[1][j]));
      }
      sum += hinge(positive_margin - cosine(texts[0][i], texts[1][i])) + hinge(negative - negative_margin);
    }
    return sum / static_cast<double>(texts[0].size());
  };
}

inline PlainLoss orthogonal_regularization_loss(double mean_weight, double second_moment_weight, bool sums) {
  return [=](const std::vector<Matrix>& texts, const Matrix&) {
    double loss = 0.0;
    for (const Matrix& column : texts) {
      double sum = 0.0, squares = 0.0;
      for (std::size_t i = 0; i < column.size(); ++i) {
        for (std::size_t j = 0; j < column.size(); ++j) {
          if (i == j) continue;
          sum += cosine(column[i], column[j]);
          squares += std::pow(cosine(column[i], column[j]), 2);
        }
      }
      const double pairs = static_cast<double>(column.size() * (column.size() - 1));
      const double dim = static_cast<double>(column[0].size());
      loss += mean_weight * std::pow(sum / pairs, 2) + second_moment_weight * hinge(squares / pairs - 1.0 / dim);
    }
    return sums ? loss : loss / static_cast<double>(texts.size());
  };
}

// `guides`: [column][row of the batch].
inline PlainLoss gist_embed_loss(const std::vector<Matrix>& guides, double temperature, bool is_relative, double margin,
                                 bool contrasts_anchors, bool contrasts_positives) {
  return [=](const std::vector<Matrix>& texts, const Matrix&) {
    const std::size_t batch = texts[0].size();
    double loss = 0.0;
    for (std::size_t i = 0; i < batch; ++i) {
      const double own = cosine(guides[0][i], guides[1][i]);
      const double most = own - (is_relative ? std::abs(own) * margin : margin);
      std::vector<double> logits;
      const auto add = [&](std::size_t side, std::size_t column, std::size_t j) {
        const bool is_positive = side == 0 && column == 1 && j == i;
        if (!is_positive && cosine(guides[side][i], guides[column][j]) > most) return;
        logits.push_back(cosine(texts[side][i], texts[column][j]) / temperature);
      };
      for (std::size_t j = 0; j < batch; ++j) {
        for (std::size_t column = 1; column < texts.size(); ++column) add(0, column, j);
        if (contrasts_anchors) add(0, 0, j);
        if (contrasts_positives) add(1, 1, j);
      }
      const double largest = *std::ranges::max_element(logits);
      double sum = 0.0;
      for (const double logit : logits) sum += std::exp(logit - largest);
      loss += largest + std::log(sum) - cosine(texts[0][i], texts[1][i]) / temperature;
    }
    return loss / static_cast<double>(batch);
  };
}

}  // namespace stillvec::training::reference
