#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "reference.h"

// Losses in double precision, from the definitions and over all pairs; their gradients by finite differences.
namespace stillvec::training::reference {

using Vector = std::vector<double>;

// The loss of texts ([column][row]) with labels (one vector a row).
using PlainLoss = std::function<double(const std::vector<Matrix>& texts, const Matrix& labels)>;
using Measure = double (*)(const Vector& a, const Vector& b);

inline double dot(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

inline Vector unit(Vector x) {
  const double norm = std::max(std::sqrt(dot(x, x)), 1e-12);
  for (double& value : x) value /= norm;
  return x;
}

inline double cosine(const Vector& a, const Vector& b) { return dot(unit(a), unit(b)); }
inline double cosine_distance(const Vector& a, const Vector& b) { return 1.0 - cosine(a, b); }

inline double squared_distance(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

inline double euclidean(const Vector& a, const Vector& b) { return std::sqrt(squared_distance(a, b)); }

inline double mean_squared(const Vector& a, const Vector& b) {
  return squared_distance(a, b) / static_cast<double>(a.size());
}

inline double manhattan(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += std::abs(a[k] - b[k]);
  return sum;
}

// Complex division, part by part.
inline double angle(const Vector& a, const Vector& b) {
  const double a_norm = std::sqrt(dot(a, a)), b_norm = std::sqrt(dot(b, b));
  if (a_norm < 1e-12 || b_norm < 1e-12) return 0.0;
  const std::size_t half = (a.size() + 1) / 2;
  const auto imaginary = [&](const Vector& x, std::size_t k) { return half + k < x.size() ? x[half + k] : 0.0; };
  double sum = 0.0;
  for (std::size_t k = 0; k < half; ++k) {
    const double re = a[k] * b[k] + imaginary(a, k) * imaginary(b, k);
    const double im = imaginary(a, k) * b[k] - a[k] * imaginary(b, k);
    sum += (re + im) / (b_norm * b_norm) / (a_norm / b_norm);
  }
  return std::abs(sum);
}

inline PlainLoss cosine_similarity_loss() {
  return [](const std::vector<Matrix>& texts, const Matrix& labels) {
    double sum = 0.0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      sum += std::pow(cosine(texts[0][i], texts[1][i]) - labels[i][0], 2);
    }
    return sum / static_cast<double>(labels.size());
  };
}

inline PlainLoss contrastive_loss(Measure distance, double margin, bool averages) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    double sum = 0.0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const double d = distance(texts[0][i], texts[1][i]);
      sum += labels[i][0] == 1.0 ? 0.5 * d * d : 0.5 * std::pow(std::max(0.0, margin - d), 2);
    }
    return averages ? sum / static_cast<double>(labels.size()) : sum;
  };
}

inline PlainLoss online_contrastive_loss(Measure distance, double margin) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    Vector positive, negative;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      (labels[i][0] == 1.0 ? positive : negative).push_back(distance(texts[0][i], texts[1][i]));
    }
    const auto mean = [](const Vector& values) {
      double sum = 0.0;
      for (double value : values) sum += value;
      return sum / static_cast<double>(values.size());
    };
    const double farthest = positive.size() > 1 ? *std::ranges::max_element(positive) : mean(negative);
    const double nearest = negative.size() > 1 ? *std::ranges::min_element(negative) : mean(positive);
    double sum = 0.0;
    for (double d : positive) sum += d > nearest ? d * d : 0.0;
    for (double d : negative) sum += d < farthest ? std::pow(std::max(0.0, margin - d), 2) : 0.0;
    return sum;
  };
}

inline PlainLoss triplet_loss(Measure distance, double margin) {
  return [=](const std::vector<Matrix>& texts, const Matrix&) {
    double sum = 0.0;
    for (std::size_t i = 0; i < texts[0].size(); ++i) {
      sum += std::max(0.0, distance(texts[0][i], texts[1][i]) - distance(texts[0][i], texts[2][i]) + margin);
    }
    return sum / static_cast<double>(texts[0].size());
  };
}

inline PlainLoss cosent_loss(Measure similarity, double scale) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    Vector scores, targets;
    for (std::size_t c = 1; c < texts.size(); ++c) {
      for (std::size_t i = 0; i < texts[0].size(); ++i) {
        const double label = labels[i].empty() ? 1.0 : labels[i][0];
        scores.push_back(scale * similarity(texts[0][i], texts[c][i]));
        targets.push_back(c == 1 ? label : 1.0 - label);
      }
    }
    double sum = 1.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (std::size_t j = 0; j < scores.size(); ++j) {
        if (targets[i] < targets[j]) sum += std::exp(scores[i] - scores[j]);
      }
    }
    return std::log(sum);
  };
}

inline PlainLoss margin_mse_loss(Measure similarity) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    const std::size_t negatives = texts.size() - 2;
    double sum = 0.0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const Vector& label = labels[i];
      const double positive = similarity(texts[0][i], texts[1][i]);
      for (std::size_t k = 0; k < negatives; ++k) {
        const double margin = label.size() == negatives ? label[k] : label[0] - label[k + 1];
        sum += std::pow(positive - similarity(texts[0][i], texts[k + 2][i]) - margin, 2);
      }
    }
    return sum / static_cast<double>(labels.size() * negatives);
  };
}

inline PlainLoss distill_kl_div_loss(Measure similarity, double student, double teacher) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    const auto softmax = [](Vector logits) {
      const double most = *std::ranges::max_element(logits);
      double sum = 0.0;
      for (double& logit : logits) sum += logit = std::exp(logit - most);
      for (double& share : logits) share /= sum;
      return logits;
    };
    double sum = 0.0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      Vector given, wanted;
      for (std::size_t c = 1; c < texts.size(); ++c) {
        given.push_back(similarity(texts[0][i], texts[c][i]) / student);
        wanted.push_back(labels[i][c - 1] / teacher);
      }
      given = softmax(given);
      wanted = softmax(wanted);
      for (std::size_t k = 0; k < given.size(); ++k) sum += wanted[k] * std::log(wanted[k] / given[k]);
    }
    return student * student * sum / static_cast<double>(labels.size());
  };
}

// `dim`: width of one teacher's embedding.
inline PlainLoss embed_distill_loss(Measure distance, std::size_t dim) {
  return [=](const std::vector<Matrix>& texts, const Matrix& labels) {
    double sum = 0.0;
    for (std::size_t c = 0; c < texts.size(); ++c) {
      for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto first = labels[i].begin() + static_cast<std::ptrdiff_t>(labels[i].size() > dim ? c * dim : 0);
        const auto width = static_cast<std::ptrdiff_t>(texts[c][i].size());
        sum += distance(texts[c][i], Vector(first, first + width));
      }
    }
    return sum / static_cast<double>(texts.size() * labels.size());
  };
}

// Of the texts of `problem`, cut off and scaled to length one at each of `prefixes`, or as they are for none.
inline double plain_loss(const Problem& problem, const Matrix& labels, const std::vector<Prefix>& prefixes,
                         const PlainLoss& loss) {
  std::vector<Matrix> texts;
  for (const TokenColumn& column : problem.columns) {
    Matrix rows;
    for (std::uint32_t row : problem.batch) rows.push_back(pooled(problem, column, row));
    texts.push_back(rows);
  }
  Matrix batch_labels;
  for (std::uint32_t row : problem.batch) batch_labels.push_back(labels[row]);
  if (prefixes.empty()) return loss(texts, batch_labels);
  double sum = 0.0;
  for (const Prefix& prefix : prefixes) {
    std::vector<Matrix> views = texts;
    for (Matrix& column : views) {
      for (Vector& text : column) {
        text.resize(prefix.dim);
        text = unit(text);
      }
    }
    sum += static_cast<double>(prefix.weight) * loss(views, batch_labels);
  }
  return sum;
}

// With respect to the table.
inline Matrix finite_differences(Problem problem, const Matrix& labels, const std::vector<Prefix>& prefixes,
                                 const PlainLoss& loss) {
  constexpr double kStep = 1e-6;
  Matrix gradient = zeros(problem.table.size(), problem.table[0].size());
  for (std::size_t row = 0; row < gradient.size(); ++row) {
    for (std::size_t d = 0; d < gradient[row].size(); ++d) {
      const double value = problem.table[row][d];
      problem.table[row][d] = value + kStep;
      const double above = plain_loss(problem, labels, prefixes, loss);
      problem.table[row][d] = value - kStep;
      const double below = plain_loss(problem, labels, prefixes, loss);
      problem.table[row][d] = value;
      gradient[row][d] = (above - below) / (2.0 * kStep);
    }
  }
  return gradient;
}

}  // namespace stillvec::training::reference
