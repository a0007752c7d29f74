#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "training/criterion.h"
#include "training/trainer.h"

// Slow and plain versions of training in double precision, from the definitions: what the fast ones are held against.
namespace stillvec::training::reference {

using Matrix = std::vector<std::vector<double>>;

inline Matrix zeros(std::size_t rows, std::size_t columns) { return Matrix(rows, std::vector<double>(columns, 0.0)); }

enum class Similarity { kCosine, kDot };
enum Direction : unsigned { kQueryToDoc = 1, kQueryToQuery = 2, kDocToQuery = 4, kDocToDoc = 8 };
enum class Hardness { kNone, kInBatchNegatives, kHardNegatives, kAllNegatives };

// The settings of MultipleNegativesRankingLoss.
struct RankingLoss {
  float scale = 20.0f;
  Similarity similarity = Similarity::kCosine;
  unsigned directions = kQueryToDoc;
  bool per_direction = false;
  Hardness hardness = Hardness::kNone;
  float hardness_strength = 0.0f;
  bool mask_duplicates = false;
};

struct LossConfig {
  RankingLoss ranking;
  std::vector<Prefix> matryoshka;
  std::size_t dims_per_step = 0;
};

inline CriterionTerm term_of(const LossConfig& loss) {
  const RankingLoss& ranking = loss.ranking;
  std::vector<std::string> directions;
  if ((ranking.directions & kQueryToDoc) != 0) directions.push_back("query_to_doc");
  if ((ranking.directions & kQueryToQuery) != 0) directions.push_back("query_to_query");
  if ((ranking.directions & kDocToQuery) != 0) directions.push_back("doc_to_query");
  if ((ranking.directions & kDocToDoc) != 0) directions.push_back("doc_to_doc");
  constexpr const char* kHardness[] = {"none", "in_batch_negatives", "hard_negatives", "all_negatives"};
  CriterionTerm term;
  term.objective.kind = "multiple_negatives_ranking";
  term.objective.values = {{"scale", static_cast<double>(ranking.scale)},
                           {"similarity", std::string(ranking.similarity == Similarity::kDot ? "dot" : "cosine")},
                           {"directions", directions},
                           {"perDirection", ranking.per_direction},
                           {"hardnessMode", std::string(kHardness[static_cast<int>(ranking.hardness)])},
                           {"hardnessStrength", static_cast<double>(ranking.hardness_strength)},
                           {"maskDuplicates", ranking.mask_duplicates}};
  term.matryoshka = loss.matryoshka;
  term.dims_per_step = loss.dims_per_step;
  return term;
}

struct Problem {
  Matrix table;
  std::vector<TokenColumn> columns;
  std::vector<std::uint32_t> batch;
  LossConfig loss;
  model::Pooling pooling;

  // As long as the problem stays where it is.
  Source source() const {
    Source source;
    for (const TokenColumn& column : columns) source.columns.emplace_back(std::shared_ptr<const void>(), &column);
    return source;
  }
};

// The share that each token of a text has in it: weight over the sum of the weights.
inline std::map<std::uint32_t, double> shares_of(const Problem& problem, const TokenColumn& column, std::size_t text) {
  std::map<std::uint32_t, double> shares;
  for (std::size_t k = column.offsets[text]; k < column.offsets[text + 1]; ++k) {
    if (std::ranges::count(problem.pooling.excluded_ids, column.ids[k]) == 0) shares[column.ids[k]] += 1.0;
  }
  double sum = 0.0;
  for (auto& [id, weight] : shares) {
    if (problem.pooling.weighting == model::Weighting::kSqrt) weight = std::sqrt(weight);
    sum += weight;
  }
  for (auto& [id, weight] : shares) weight /= sum;
  return shares;
}

inline std::vector<double> pooled(const Problem& problem, const TokenColumn& column, std::size_t text) {
  std::vector<double> row(problem.table[0].size(), 0.0);
  for (const auto& [id, share] : shares_of(problem, column, text)) {
    for (std::size_t d = 0; d < row.size(); ++d) row[d] += share * problem.table[id][d];
  }
  return row;
}

// The loss of `texts` ([column][row] -> vector) at one prefix; adds weight * gradient to `gradients`.
// `ids`: [column][row] -> the tokens.
using Tokens = std::vector<std::vector<std::vector<std::uint32_t>>>;

inline double ranking_loss(const RankingLoss& loss, const std::vector<Matrix>& texts, const Tokens& ids,
                           std::size_t dim, bool unit_norm, double weight, std::vector<Matrix>& gradients) {
  const std::size_t batch = texts[0].size(), documents = (texts.size() - 1) * batch;
  const double scale = static_cast<double>(loss.scale), strength = static_cast<double>(loss.hardness_strength);
  std::vector<Matrix> unit(texts.size()), unit_gradient(texts.size());
  std::vector<std::vector<double>> norms(texts.size());
  for (std::size_t c = 0; c < texts.size(); ++c) {
    unit_gradient[c] = zeros(batch, dim);
    for (const std::vector<double>& text : texts[c]) {
      double squared = 0.0;
      for (std::size_t d = 0; d < dim; ++d) squared += text[d] * text[d];
      const double norm = unit_norm ? std::sqrt(squared) : 1.0;
      norms[c].push_back(norm);
      std::vector<double> scaled(dim, 0.0);
      for (std::size_t d = 0; d < dim && norm > 1e-12; ++d) scaled[d] = text[d] / norm;
      unit[c].push_back(scaled);
    }
  }
  // A candidate: its column and row.
  struct Candidate {
    std::size_t column, row;
  };
  std::vector<Candidate> all_documents, all_queries;
  for (std::size_t j = 0; j < documents; ++j) all_documents.push_back({1 + j / batch, j % batch});
  for (std::size_t j = 0; j < batch; ++j) all_queries.push_back({0, j});
  struct Score {
    std::size_t left_column;
    Candidate candidate;
    double similarity, logit;
    bool is_positive;
  };
  double total = 0.0;
  for (std::size_t i = 0; i < batch; ++i) {
    std::vector<std::vector<Score>> directions;
    const auto add = [&](Direction direction, std::size_t left, const std::vector<Candidate>& candidates) {
      if ((loss.directions & direction) == 0) return;
      std::vector<Score> scores;
      for (const Candidate& candidate : candidates) {
        const bool own = candidate.row == i;
        if (own && (direction == kQueryToQuery || direction == kDocToDoc)) continue;
        const std::vector<std::uint32_t>& tokens = ids[candidate.column][candidate.row];
        const bool is_of_pair = own && candidate.column < 2;
        if (loss.mask_duplicates && !is_of_pair && (tokens == ids[0][i] || tokens == ids[1][i])) continue;
        double similarity = 0.0;
        for (std::size_t d = 0; d < dim; ++d) similarity += unit[left][i][d] * unit[candidate.column][candidate.row][d];
        const bool is_hard_negative = own && candidate.column > 1;
        const bool hardened =
            direction == kQueryToDoc && ((loss.hardness == Hardness::kInBatchNegatives && !own) ||
                                         (loss.hardness == Hardness::kHardNegatives && is_hard_negative) ||
                                         (loss.hardness == Hardness::kAllNegatives && (!own || is_hard_negative)));
        const bool is_positive = direction == kQueryToDoc && own && candidate.column == 1;
        scores.push_back(
            {left, candidate, similarity, similarity * (scale + (hardened ? strength : 0.0)), is_positive});
      }
      directions.push_back(scores);
    };
    add(kQueryToDoc, 0, all_documents);
    add(kQueryToQuery, 0, all_queries);
    add(kDocToQuery, 1, all_queries);
    add(kDocToDoc, 1, all_documents);
    if (!loss.per_direction) {
      for (std::size_t k = 1; k < directions.size(); ++k) {
        directions[0].insert(directions[0].end(), directions[k].begin(), directions[k].end());
      }
      directions.resize(1);
    }
    for (std::size_t k = 0; k < directions.size(); ++k) {
      double max = -std::numeric_limits<double>::infinity(), sum = 0.0;
      for (const Score& score : directions[k]) max = std::max(max, score.logit);
      for (const Score& score : directions[k]) sum += std::exp(score.logit - max);
      const double share = 1.0 / static_cast<double>(directions.size());
      total += share * (max + std::log(sum)) / static_cast<double>(batch);
      for (std::size_t j = 0; j < directions[k].size(); ++j) {
        const Score& score = directions[k][j];
        double gradient = share * std::exp(score.logit - max) / sum;
        if (score.is_positive) {
          gradient -= 1.0;
          total -= score.logit / static_cast<double>(batch);
        }
        gradient *= scale / static_cast<double>(batch);
        const auto& [column, row] = score.candidate;
        for (std::size_t d = 0; d < dim; ++d) {
          unit_gradient[score.left_column][i][d] += gradient * unit[column][row][d];
          unit_gradient[column][row][d] += gradient * unit[score.left_column][i][d];
        }
      }
    }
  }
  for (std::size_t c = 0; c < texts.size(); ++c) {
    for (std::size_t i = 0; i < batch; ++i) {
      if (norms[c][i] <= 1e-12) continue;
      double along = 0.0;
      for (std::size_t d = 0; unit_norm && d < dim; ++d) along += unit_gradient[c][i][d] * unit[c][i][d];
      for (std::size_t d = 0; d < dim; ++d) {
        gradients[c][i][d] += weight * (unit_gradient[c][i][d] - along * unit[c][i][d]) / norms[c][i];
      }
    }
  }
  return weight * total;
}

// The loss of a problem; adds its gradient with respect to the table to `gradient` (rows x dim).
inline double loss_and_gradient(const Problem& problem, Matrix& gradient) {
  const std::size_t dim = problem.table[0].size();
  std::vector<Matrix> texts, text_gradients;
  for (const TokenColumn& column : problem.columns) {
    Matrix rows;
    for (std::uint32_t row : problem.batch) rows.push_back(pooled(problem, column, row));
    texts.push_back(rows);
    text_gradients.push_back(zeros(rows.size(), dim));
  }
  Tokens ids(problem.columns.size());
  for (std::size_t c = 0; c < ids.size(); ++c) {
    const TokenColumn& column = problem.columns[c];
    for (std::uint32_t row : problem.batch) {
      ids[c].emplace_back(column.ids.data() + column.offsets[row], column.ids.data() + column.offsets[row + 1]);
    }
  }
  double loss = 0.0;
  if (problem.loss.matryoshka.empty()) {
    loss = ranking_loss(problem.loss.ranking, texts, ids, dim, problem.loss.ranking.similarity == Similarity::kCosine,
                        1.0, text_gradients);
  }
  for (const Prefix& prefix : problem.loss.matryoshka) {
    loss += ranking_loss(problem.loss.ranking, texts, ids, prefix.dim, true, static_cast<double>(prefix.weight),
                         text_gradients);
  }
  for (std::size_t c = 0; c < texts.size(); ++c) {
    const TokenColumn& column = problem.columns[c];
    for (std::size_t i = 0; i < problem.batch.size(); ++i) {
      for (const auto& [id, share] : shares_of(problem, column, problem.batch[i])) {
        for (std::size_t d = 0; d < dim; ++d) gradient[id][d] += share * text_gradients[c][i][d];
      }
    }
  }
  return loss;
}

// torch.optim's AdamW (every row) and SparseAdam (rows with `touched`), step by step.
struct Adam {
  OptimizerConfig config;
  Matrix m, v;
  double power1 = 1.0, power2 = 1.0;

  Adam(const OptimizerConfig& settings, std::size_t rows, std::size_t dim)
      : config(settings), m(zeros(rows, dim)), v(zeros(rows, dim)) {}

  // Returns the gradient's norm before clipping.
  double step(Matrix& table, const Matrix& gradient, const std::vector<bool>& touched, double learning_rate) {
    const double b1 = static_cast<double>(config.beta1), b2 = static_cast<double>(config.beta2);
    const double eps = static_cast<double>(config.eps), decay = static_cast<double>(config.weight_decay);
    power1 *= b1;
    power2 *= b2;
    double squared = 0.0;
    for (const auto& row : gradient) {
      for (double g : row) squared += g * g;
    }
    const double norm = std::sqrt(squared);
    const double clip = config.max_grad_norm.has_value()
                            ? std::min(1.0, static_cast<double>(*config.max_grad_norm) / (norm + 1e-6))
                            : 1.0;
    const bool dense = config.kind == OptimizerKind::kAdamW;
    for (std::size_t r = 0; r < table.size(); ++r) {
      if (!dense && !touched[r]) continue;
      for (std::size_t d = 0; d < table[r].size(); ++d) {
        const double g = clip * gradient[r][d];
        m[r][d] = b1 * m[r][d] + (1.0 - b1) * g;
        v[r][d] = b2 * v[r][d] + (1.0 - b2) * g * g;
        table[r][d] *= 1.0 - learning_rate * decay;
        if (dense) {
          table[r][d] -=
              learning_rate / (1.0 - power1) * m[r][d] / (std::sqrt(v[r][d]) / std::sqrt(1.0 - power2) + eps);
        } else {
          table[r][d] -=
              learning_rate * std::sqrt(1.0 - power2) / (1.0 - power1) * m[r][d] / (std::sqrt(v[r][d]) + eps);
        }
      }
    }
    return norm;
  }
};

// Texts of 0 to `longest` tokens, repeats among them; ids by a Zipf-like law.
inline TokenColumn random_column(std::mt19937& random, std::size_t texts, std::size_t vocabulary, std::size_t longest) {
  TokenColumn column;
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (std::size_t i = 0; i < texts; ++i) {
    const std::size_t length = i % 7 == 3 ? 0 : 1 + random() % longest;
    for (std::size_t k = 0; k < length; ++k) {
      const double rank = std::pow(static_cast<double>(vocabulary), uniform(random)) - 1.0;
      column.ids.push_back(static_cast<std::uint32_t>(std::min<double>(rank, static_cast<double>(vocabulary - 1))));
      if (k == 0 && length > 3) column.ids.push_back(column.ids.back()), ++k;
    }
    column.offsets.push_back(column.ids.size());
  }
  return column;
}

inline Problem random_problem(unsigned seed, std::size_t rows, std::size_t dim, std::size_t columns,
                              std::size_t batch) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Problem problem;
  problem.table = zeros(rows, dim);
  for (auto& row : problem.table) {
    for (double& value : row) value = static_cast<double>(normal(random));
  }
  const std::size_t texts = batch + 5;
  for (std::size_t c = 0; c < columns; ++c) problem.columns.push_back(random_column(random, texts, rows, 9));
  for (std::size_t i = 0; i < batch; ++i) problem.batch.push_back(static_cast<std::uint32_t>((i * 5 + 2) % texts));
  return problem;
}

inline std::vector<float> flatten(const Matrix& matrix) {
  std::vector<float> flat;
  for (const auto& row : matrix) {
    for (double value : row) flat.push_back(static_cast<float>(value));
  }
  return flat;
}

// Frobenius norm of the difference, relative to that of `expected`.
inline double relative_error(std::span<const float> actual, const Matrix& expected) {
  double difference = 0.0, size = 0.0;
  std::size_t i = 0;
  for (const auto& row : expected) {
    for (double value : row) {
      const double error = static_cast<double>(actual[i++]) - value;
      difference += error * error;
      size += value * value;
    }
  }
  return std::sqrt(difference / size);
}

}  // namespace stillvec::training::reference
