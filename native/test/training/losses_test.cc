#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "batch_loss_reference.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

using reference::Matrix;
using reference::Problem;

// What the numbers of a label are drawn from.
enum class Draw { kNothing, kScore, kBinary, kNormal, kClass };

struct LossCase {
  std::string name;
  Settings settings;
  reference::PlainLoss plain;
  std::size_t columns = 2;
  Draw draw = Draw::kNothing;
  std::size_t width = 1;  // of the label
};

constexpr std::size_t kDim = 7;

Settings settings_of(std::string kind, std::map<std::string, Settings::Value, std::less<>> values) {
  return {std::move(kind), std::move(values)};
}

std::vector<LossCase> loss_cases() {
  using namespace reference;
  const std::string kEuclidean = "euclidean", kCosine = "cosine", kManhattan = "manhattan", kDot = "dot";
  const auto contrastive = [](const std::string& metric, double margin, bool averages) {
    return settings_of("contrastive", {{"distanceMetric", metric}, {"margin", margin}, {"sizeAverage", averages}});
  };
  const auto online = [](const std::string& metric, double margin) {
    return settings_of("online_contrastive", {{"distanceMetric", metric}, {"margin", margin}});
  };
  const auto triplet = [](const std::string& metric, double margin) {
    return settings_of("triplet", {{"distanceMetric", metric}, {"tripletMargin", margin}});
  };
  const auto cosent = [](const char* similarity, double scale) {
    return settings_of("cosent", {{"similarity", std::string(similarity)}, {"scale", scale}});
  };
  const auto margin_mse = [](const std::string& similarity) {
    return settings_of("margin_mse", {{"similarity", similarity}});
  };
  const auto kl_div = [](const std::string& similarity, double student, double teacher) {
    return settings_of("distill_kl_div",
                       {{"similarity", similarity}, {"studentTemperature", student}, {"teacherTemperature", teacher}});
  };
  const auto distill = [](const char* metric) {
    return settings_of("embed_distill", {{"distanceMetric", std::string(metric)}, {"projectionDim", 0.0}});
  };
  const auto batch_triplet = [](const char* kind, const std::string& metric, double margin) {
    return settings_of(kind, {{"distanceMetric", metric}, {"margin", margin}});
  };
  const auto soft_margin = [](const std::string& metric) {
    return settings_of("batch_hard_soft_margin_triplet", {{"distanceMetric", metric}});
  };
  const auto hard = [&](const std::string& metric, double margin) {
    return batch_triplet("batch_hard_triplet", metric, margin);
  };
  const auto semi_hard = [&](const std::string& metric, double margin) {
    return batch_triplet("batch_semi_hard_triplet", metric, margin);
  };
  const auto all = [&](const std::string& metric, double margin) {
    return batch_triplet("batch_all_triplet", metric, margin);
  };
  const auto orthogonal = [](double mean, double second, const char* aggregation) {
    return settings_of(
        "global_orthogonal_regularization",
        {{"meanWeight", mean}, {"secondMomentWeight", second}, {"aggregation", std::string(aggregation)}});
  };
  const Settings mega_batch = settings_of("mega_batch_margin", {{"positiveMargin", 0.8}, {"negativeMargin", 0.3}});
  return {
      {"batch hard", hard(kEuclidean, 1), batch_hard_triplet_loss(euclidean, false, 1), 1, Draw::kClass},
      {"batch hard cosine", hard(kCosine, 0.3), batch_hard_triplet_loss(cosine_distance, false, 0.3), 1, Draw::kClass},
      {"batch soft", soft_margin(kEuclidean), batch_hard_triplet_loss(euclidean, true, 0), 1, Draw::kClass},
      {"batch soft cosine", soft_margin(kCosine), batch_hard_triplet_loss(cosine_distance, true, 0), 1, Draw::kClass},
      {"batch semi-hard", semi_hard(kEuclidean, 1), batch_semi_hard_triplet_loss(euclidean, 1), 1, Draw::kClass},
      {"batch semi-hard cosine", semi_hard(kCosine, 0.2), batch_semi_hard_triplet_loss(cosine_distance, 0.2), 1,
       Draw::kClass},
      {"batch all", all(kEuclidean, 1), batch_all_triplet_loss(euclidean, 1), 1, Draw::kClass},
      {"batch all cosine", all(kCosine, 0.1), batch_all_triplet_loss(cosine_distance, 0.1), 1, Draw::kClass},
      {"mega batch", mega_batch, mega_batch_margin_loss(0.8f, 0.3f), 2},
      {"orthogonal", orthogonal(1, 1, "mean"), orthogonal_regularization_loss(1, 1, false), 2},
      {"orthogonal sum", orthogonal(0.5, 2, "sum"), orthogonal_regularization_loss(0.5, 2, true), 3},
      {"cosine similarity", settings_of("cosine_similarity", {}), cosine_similarity_loss(), 2, Draw::kScore},
      {"contrastive", contrastive(kCosine, 0.9, true), contrastive_loss(cosine_distance, 0.9, true), 2, Draw::kBinary},
      {"contrastive sum", contrastive(kEuclidean, 3, false), contrastive_loss(euclidean, 3, false), 2, Draw::kBinary},
      {"contrastive l1", contrastive(kManhattan, 5, true), contrastive_loss(manhattan, 5, true), 2, Draw::kBinary},
      {"online", online(kCosine, 0.9), online_contrastive_loss(cosine_distance, 0.9), 2, Draw::kBinary},
      {"online l2", online(kEuclidean, 3), online_contrastive_loss(euclidean, 3), 2, Draw::kBinary},
      {"triplet", triplet(kEuclidean, 1), triplet_loss(euclidean, 1), 3},
      {"triplet cosine", triplet(kCosine, 0.1), triplet_loss(cosine_distance, 0.1), 3},
      {"triplet l1", triplet(kManhattan, 2), triplet_loss(manhattan, 2), 3},
      {"cosent", cosent("cosine", 20), cosent_loss(cosine, 20), 2, Draw::kScore},
      {"cosent with ties", cosent("cosine", 5), cosent_loss(cosine, 5), 2, Draw::kBinary},
      {"angle", cosent("angle", 20), cosent_loss(angle, 20), 2, Draw::kScore},
      {"angle of tuples", cosent("angle", 20), cosent_loss(angle, 20), 4},
      {"angle of labelled tuples", cosent("angle", 5), cosent_loss(angle, 5), 3, Draw::kScore},
      {"margin", margin_mse(kDot), margin_mse_loss(dot), 3, Draw::kNormal},
      {"margin of scores", margin_mse(kCosine), margin_mse_loss(cosine), 4, Draw::kNormal, 3},
      {"margins", margin_mse(kDot), margin_mse_loss(dot), 5, Draw::kNormal, 3},
      {"kl", kl_div(kDot, 1, 1), distill_kl_div_loss(dot, 1, 1), 3, Draw::kNormal, 2},
      {"kl at temperatures", kl_div(kCosine, 0.1, 3), distill_kl_div_loss(cosine, 0.1, 3), 5, Draw::kNormal, 4},
      {"distill", distill("cosine"), embed_distill_loss(cosine_distance, kDim), 1, Draw::kNormal, kDim},
      {"distill l2", distill("l2"), embed_distill_loss(euclidean, kDim), 3, Draw::kNormal, kDim},
      {"distill mse", distill("mse"), embed_distill_loss(mean_squared, kDim), 2, Draw::kNormal, 2 * kDim},
  };
}

Matrix draw_labels(const LossCase& loss, std::size_t rows) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  Matrix labels(rows);
  for (auto& label : labels) {
    for (std::size_t k = 0; loss.draw != Draw::kNothing && k < loss.width; ++k) {
      const double value = static_cast<double>(normal(random));
      label.push_back(loss.draw == Draw::kClass    ? std::floor(2.0 * value)
                      : loss.draw == Draw::kBinary ? static_cast<double>(value > 0.0)
                      : loss.draw == Draw::kScore  ? static_cast<double>(static_cast<float>(std::tanh(value)))
                                                   : value);
    }
  }
  return labels;
}

// A source with these labels, as long as the problem stays where it is.
Source source_of(const Problem& problem, const Matrix& labels) {
  Source source = problem.source();
  source.labels.width = labels[0].size();
  for (const auto& label : labels) {
    for (double value : label) source.labels.values.push_back(static_cast<float>(value));
  }
  return source;
}

struct Outcome {
  double loss;
  std::vector<float> gradient;
};

Outcome run(const CriterionTerm& term, const Problem& problem, const Source& source, unsigned threads = 2,
            Precision precision = Precision::kFloat32) {
  ThreadPool pool(threads);
  const std::size_t rows = problem.table.size(), dim = problem.table[0].size();
  auto criterion = Criterion::create(pool, dim, {term}, precision);
  EXPECT_TRUE(criterion.is_ok()) << criterion.status().message;
  const Status fits = criterion.value()->check(source);
  EXPECT_TRUE(fits.is_ok()) << fits.message;
  auto trainer = Trainer::create(pool, reference::flatten(problem.table), rows, dim, {}, 7);
  Outcome outcome{0.0, std::vector<float>(rows * dim)};
  auto loss = trainer.value()->gradient(*criterion.value(), source, problem.batch, outcome.gradient);
  EXPECT_TRUE(loss.is_ok()) << loss.status().message;
  if (loss.is_ok()) outcome.loss = loss.value();
  return outcome;
}

TEST(Losses, AreTheDefinitionsAndTheirFiniteDifferences) {
  const std::vector<std::vector<Prefix>> prefixes = {{}, {{3, 0.5f}, {4, 2.0f}, {kDim, 1.0f}}, {{1, 1.0f}, {6, 1.0f}}};
  for (const LossCase& loss : loss_cases()) {
    for (std::size_t p = 0; p < prefixes.size(); ++p) {
      const std::string name = loss.name + ", prefixes " + std::to_string(p);
      const bool finds_triplets = loss.draw == Draw::kClass;
      if (finds_triplets && p == 2) continue;  // of one dimension, all texts are equally far apart
      const Problem problem =
          reference::random_problem(11, finds_triplets ? 20 : 40, kDim, loss.columns, finds_triplets ? 21 : 33);
      const Matrix labels = draw_labels(loss, problem.columns[0].count());
      const Outcome actual = run({loss.settings, 1.0f, prefixes[p]}, problem, source_of(problem, labels));
      const double expected = reference::plain_loss(problem, labels, prefixes[p], loss.plain);
      EXPECT_NEAR(actual.loss, expected, 3e-6 * std::abs(expected)) << name;
      const Matrix gradient = reference::finite_differences(problem, labels, prefixes[p], loss.plain);
      EXPECT_LT(reference::relative_error(actual.gradient, gradient), 1e-5) << name;
    }
  }
}

// A guide of another width, whose embeddings are not of length one; a text without length among them.
TEST(Losses, LeaveOutWhatAGuideFindsMoreAlike) {
  struct Case {
    double temperature;
    bool is_relative;
    double margin;
    bool contrasts_anchors, contrasts_positives;
    std::size_t columns;
  };
  constexpr std::size_t kGuideDim = 5;
  for (const Case& gist : {Case{0.05, false, 0.0, true, true, 2}, Case{0.02, true, 0.05, true, true, 4},
                           Case{0.3, false, 0.1, false, false, 3}, Case{0.3, true, -0.2, true, false, 2},
                           Case{0.3, false, -0.2, false, true, 3}}) {
    const Problem problem = reference::random_problem(17, 20, kDim, gist.columns, 35);
    Source source = problem.source();
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::vector<Matrix> guides(gist.columns);
    source.guides.resize(1);
    for (std::size_t c = 0; c < gist.columns; ++c) {
      RowValues column;
      column.width = kGuideDim;
      for (std::size_t k = 0; k < source.rows() * kGuideDim; ++k)
        column.values.push_back(k < 5 ? 0.0f : normal(random));
      for (const std::uint32_t row : problem.batch)
        guides[c].emplace_back(column.row(row), column.row(row) + kGuideDim);
      source.guides[0].push_back(std::move(column));
    }
    const Settings settings =
        settings_of("gist_embed", {{"temperature", gist.temperature},
                                   {"marginStrategy", std::string(gist.is_relative ? "relative" : "absolute")},
                                   {"margin", gist.margin},
                                   {"contrastAnchors", gist.contrasts_anchors},
                                   {"contrastPositives", gist.contrasts_positives}});
    const auto plain =
        reference::gist_embed_loss(guides, static_cast<double>(static_cast<float>(gist.temperature)), gist.is_relative,
                                   gist.margin, gist.contrasts_anchors, gist.contrasts_positives);
    const Matrix labels(problem.columns[0].count());
    for (const std::vector<Prefix>& prefixes : {std::vector<Prefix>{}, std::vector<Prefix>{{3, 0.5f}, {kDim, 1.0f}}}) {
      const Outcome actual = run({settings, 1.0f, prefixes}, problem, source);
      const double expected = reference::plain_loss(problem, labels, prefixes, plain);
      EXPECT_NEAR(actual.loss, expected, 3e-6 * std::abs(expected));
      const Matrix gradient = reference::finite_differences(problem, labels, prefixes, plain);
      EXPECT_LT(reference::relative_error(actual.gradient, gradient), 1e-5);
    }
    ThreadPool pool(1);
    const auto criterion = Criterion::create(pool, kDim, {{settings, 1.0f, {}}}, Precision::kFloat32);
    source.guides[0].pop_back();
    EXPECT_FALSE(criterion.value()->check(source).is_ok());
  }
}

TEST(Losses, GiveTheSameBitsForAnyNumberOfThreads) {
  for (const LossCase& loss : loss_cases()) {
    const Problem problem = reference::random_problem(12, 90, kDim, loss.columns, 200);
    const Source source = source_of(problem, draw_labels(loss, problem.columns[0].count()));
    const CriterionTerm term = {loss.settings, 0.5f, {{2, 1.0f}, {kDim, 1.0f}}};
    const Outcome one = run(term, problem, source, 1), three = run(term, problem, source, 3);
    EXPECT_EQ(one.loss, three.loss) << loss.name;
    EXPECT_EQ(one.gradient, three.gradient) << loss.name;
  }
}

// Which triplets are the hardest may differ, and with them the gradient, though little of the loss.
TEST(Losses, OfRoundedProductsAreNearThoseOfFloat32) {
  for (const LossCase& loss : loss_cases()) {
    const Problem problem = reference::random_problem(16, 90, kDim, loss.columns, 200);
    const Source source = source_of(problem, draw_labels(loss, problem.columns[0].count()));
    const CriterionTerm term = {loss.settings, 1.0f, {{3, 1.0f}, {kDim, 1.0f}}};
    const Outcome exact = run(term, problem, source), rounded = run(term, problem, source, 2, Precision::kBfloat16);
    EXPECT_NEAR(rounded.loss, exact.loss, 1e-2 * std::abs(exact.loss)) << loss.name;
    const bool selects = loss.draw == Draw::kClass && loss.settings.kind != "batch_all_triplet";
    if (selects) continue;
    double difference = 0.0, size = 0.0;
    for (std::size_t k = 0; k < exact.gradient.size(); ++k) {
      const double value = static_cast<double>(exact.gradient[k]);
      difference += std::pow(static_cast<double>(rounded.gradient[k]) - value, 2);
      size += value * value;
    }
    EXPECT_LT(difference, 0.01 * size) << loss.name;
  }
}

// Fewer texts than columns are multiplied the other way round.
TEST(Losses, RegularizeBatchesOfAnySize) {
  for (const LossCase& loss : loss_cases()) {
    if (loss.settings.kind != "global_orthogonal_regularization") continue;
    for (const std::size_t batch : {2u, 4u, 7u, 8u}) {
      const Problem problem = reference::random_problem(18, 40, kDim, loss.columns, batch);
      const Matrix labels = draw_labels(loss, problem.columns[0].count());
      const std::vector<Prefix> prefixes = {{5, 0.5f}, {kDim, 1.0f}};
      const Outcome actual = run({loss.settings, 1.0f, prefixes}, problem, source_of(problem, labels));
      const double expected = reference::plain_loss(problem, labels, prefixes, loss.plain);
      EXPECT_NEAR(actual.loss, expected, 3e-6 * std::abs(expected)) << loss.name << ", " << batch << " rows";
      const Matrix gradient = reference::finite_differences(problem, labels, prefixes, loss.plain);
      EXPECT_LT(reference::relative_error(actual.gradient, gradient), 1e-5) << loss.name << ", " << batch << " rows";
    }
  }
}

// Sums over labels stay finite where no exponential of the scores does.
TEST(Losses, RankScoresOfAnyScale) {
  const Problem problem = reference::random_problem(13, 40, kDim, 2, 33);
  const LossCase loss = {
      "", settings_of("cosent", {{"similarity", std::string("cosine")}, {"scale", 1e5}}), {}, 2, Draw::kScore};
  const Outcome actual = run({loss.settings, 1.0f, {}}, problem, source_of(problem, draw_labels(loss, 38)));
  EXPECT_GT(actual.loss, 1e4);
  EXPECT_LT(actual.loss, 2e5 + 10.0);
  for (float value : actual.gradient) EXPECT_TRUE(std::isfinite(value));
}

TEST(Losses, FindNoGradientWhereThereIsNone) {
  // Twice the same text, and texts of no tokens.
  Problem problem = reference::random_problem(14, 9, kDim, 1, 2);
  TokenColumn column;
  for (std::uint32_t id : {3u, 4u}) column.ids.push_back(id);
  for (std::uint32_t id : {3u, 4u}) column.ids.push_back(id);
  for (std::uint64_t end : {2u, 4u, 4u, 4u}) column.offsets.push_back(end);
  problem.batch = {0, 1, 2, 3};
  for (const LossCase& loss : loss_cases()) {
    if (loss.columns > 3) continue;
    problem.columns.assign(loss.columns, column);
    for (const std::vector<Prefix>& prefixes : {std::vector<Prefix>{}, std::vector<Prefix>{{2, 1.0f}, {kDim, 1.0f}}}) {
      const Matrix labels = loss.draw == Draw::kClass ? Matrix{{0.0}, {0.0}, {1.0}, {1.0}} : draw_labels(loss, 4);
      const Outcome actual = run({loss.settings, 1.0f, prefixes}, problem, source_of(problem, labels));
      EXPECT_TRUE(std::isfinite(actual.loss)) << loss.name;
      for (float value : actual.gradient) ASSERT_TRUE(std::isfinite(value)) << loss.name;
    }
  }
}

// A loss that learns a projection, and what it is to be.
struct Projection {
  static constexpr std::size_t kTeacherDim = 5;

  ThreadPool pool{2};
  Problem problem = reference::random_problem(16, 40, kDim, 2, 33);
  Matrix labels = draw_labels({"", {}, {}, 2, Draw::kNormal, kTeacherDim}, 38);
  Source source = source_of(problem, labels);
  std::unique_ptr<Criterion> criterion;
  std::unique_ptr<Trainer> trainer;

  explicit Projection(const char* metric, const OptimizerConfig& optimizer = {}) {
    const CriterionTerm term = {
        settings_of("embed_distill", {{"distanceMetric", std::string(metric)}, {"projectionDim", double{kTeacherDim}}}),
        0.5f,
        {}};
    criterion = std::move(Criterion::create(pool, kDim, {term}, Precision::kFloat32, 3).value());
    EXPECT_TRUE(criterion->check(source).is_ok());
    trainer = std::move(Trainer::create(pool, reference::flatten(problem.table), 40, kDim, optimizer, 7).value());
  }

  // W, row by row, and b.
  std::vector<double> parameters() const {
    std::vector<double> state;
    criterion->describe(state);
    return {state.begin() + 2, state.begin() + 2 + kTeacherDim * (kDim + 1)};
  }

  static reference::PlainLoss plain(reference::Measure distance, const std::vector<double>& parameters) {
    return [=](std::vector<Matrix> texts, const Matrix& teacher) {
      for (Matrix& column : texts) {
        for (auto& text : column) {
          std::vector<double> projected(parameters.end() - kTeacherDim, parameters.end());
          for (std::size_t j = 0; j < kTeacherDim; ++j) {
            for (std::size_t d = 0; d < kDim; ++d) projected[j] += parameters[j * kDim + d] * text[d];
          }
          text = projected;
        }
      }
      return 0.5 * reference::embed_distill_loss(distance, kTeacherDim)(texts, teacher);
    };
  }
};

TEST(Losses, ProjectToTheWidthOfATeacher) {
  using reference::Measure;
  for (const auto& [metric, distance] : std::vector<std::pair<const char*, Measure>>{
           {"cosine", reference::cosine_distance}, {"l2", reference::euclidean}, {"mse", reference::mean_squared}}) {
    const Projection fixture(metric);
    const auto plain = Projection::plain(distance, fixture.parameters());
    std::vector<float> gradient(40 * kDim);
    const double loss =
        fixture.trainer->gradient(*fixture.criterion, fixture.source, fixture.problem.batch, gradient).value();
    const double expected = reference::plain_loss(fixture.problem, fixture.labels, {}, plain);
    EXPECT_NEAR(loss, expected, 3e-6 * expected) << metric;
    const Matrix differences = reference::finite_differences(fixture.problem, fixture.labels, {}, plain);
    EXPECT_LT(reference::relative_error(gradient, differences), 1e-5) << metric;
  }
}

// Adam's first step moves each value by the learning rate against its gradient's sign, whatever clips that of the
// table.
TEST(Losses, LearnTheProjectionByAdamWithoutClipping) {
  constexpr double kRate = 0.01, kStep = 1e-6;
  const Projection fixture("mse", {.weight_decay = 0.5f, .max_grad_norm = 1e-6f});
  const std::vector<double> before = fixture.parameters();
  for (double value : before) EXPECT_LE(std::abs(value), 1.0 / std::sqrt(double{kDim}));
  ASSERT_TRUE(fixture.trainer->step(*fixture.criterion, fixture.source, fixture.problem.batch, kRate).is_ok());
  const std::vector<double> after = fixture.parameters();
  for (std::size_t i = 0; i < before.size(); ++i) {
    std::vector<double> parameters = before;
    const auto loss_at = [&](double value) {
      parameters[i] = value;
      return reference::plain_loss(fixture.problem, fixture.labels, {},
                                   Projection::plain(reference::mean_squared, parameters));
    };
    const double slope = loss_at(before[i] + kStep) - loss_at(before[i] - kStep);
    const double decay = i < before.size() - Projection::kTeacherDim ? 1.0 - kRate * 0.5 : 1.0;
    EXPECT_NEAR(after[i], decay * before[i] - (slope > 0.0 ? kRate : -kRate), 1e-5) << i;
  }
}

TEST(Losses, GoOnFromTheStateOfAProjection) {
  const Projection first("cosine"), second("cosine");
  const auto steps = [](const Projection& fixture, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(fixture.trainer->step(*fixture.criterion, fixture.source, fixture.problem.batch, 0.01).is_ok());
    }
  };
  steps(first, 3);
  std::vector<double> state;
  first.criterion->describe(state);
  ASSERT_TRUE(second.trainer->restore(first.trainer->state()).is_ok());
  ASSERT_EQ(state.size(), second.criterion->state_size());
  second.criterion->restore(state);
  steps(first, 2);
  steps(second, 2);
  EXPECT_EQ(first.parameters(), second.parameters());
}

TEST(Losses, RefuseSourcesThatTheyCanNotRead) {
  ThreadPool pool(1);
  for (const LossCase& loss : loss_cases()) {
    auto criterion = Criterion::create(pool, kDim, {{loss.settings, 1.0f, {}}}, Precision::kFloat32);
    ASSERT_TRUE(criterion.is_ok()) << loss.name;
    const Problem narrow = reference::random_problem(15, 9, kDim, 1, 3);
    const bool takes_any = loss.settings.kind == "global_orthogonal_regularization";
    if (loss.columns > 1 && !takes_any) {
      EXPECT_FALSE(criterion.value()->check(narrow.source()).is_ok()) << loss.name;
    }
    if (loss.draw == Draw::kNothing) continue;
    const Problem problem = reference::random_problem(15, 9, kDim, loss.columns, 3);
    const Source wrong = source_of(problem, Matrix(8, std::vector<double>(loss.width + 9, 1.0)));
    EXPECT_FALSE(criterion.value()->check(wrong).is_ok()) << loss.name;
  }
}

TEST(Losses, RefuseClassesOfWhichNoTripletIs) {
  ThreadPool pool(1);
  const Problem problem = reference::random_problem(15, 9, kDim, 1, 3);
  for (const LossCase& loss : loss_cases()) {
    if (loss.draw != Draw::kClass) continue;
    auto criterion = Criterion::create(pool, kDim, {{loss.settings, 1.0f, {}}}, Precision::kFloat32);
    Matrix one_class(problem.columns[0].count(), {3.0}), all_alone = one_class;
    for (std::size_t row = 0; row < all_alone.size(); ++row) all_alone[row][0] = static_cast<double>(row);
    EXPECT_EQ(criterion.value()->check(source_of(problem, one_class)).code, Code::kInvalidArgument) << loss.name;
    EXPECT_EQ(criterion.value()->check(source_of(problem, all_alone)).code, Code::kInvalidArgument) << loss.name;
    all_alone[1][0] = 0.0;
    EXPECT_TRUE(criterion.value()->check(source_of(problem, all_alone)).is_ok()) << loss.name;
  }
}

TEST(Losses, RefuseSettingsThatTheyDoNotHave) {
  ThreadPool pool(1);
  for (const LossCase& loss : loss_cases()) {
    for (const auto& [name, value] : loss.settings.values) {
      Settings settings = loss.settings;
      settings.values.erase(name);
      const auto criterion = Criterion::create(pool, kDim, {{settings, 1.0f, {}}}, Precision::kFloat32);
      ASSERT_FALSE(criterion.is_ok()) << loss.name;
      EXPECT_NE(criterion.status().message.find(name), std::string::npos) << criterion.status().message;
    }
  }
}

}  // namespace
}  // namespace stillvec::training
