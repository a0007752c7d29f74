#include "training/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "kernels/products/products.h"
#include "reference.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

using reference::Matrix;
using reference::Problem;

// A trainer and what it trains on.
struct Training {
  Source source;
  std::unique_ptr<Criterion> criterion;
  std::unique_ptr<Trainer> trainer;

  Result<StepReport> step(const std::vector<std::uint32_t>& batch, double learning_rate) const {
    return trainer->step(*criterion, source, batch, learning_rate);
  }
  Trainer* operator->() const { return trainer.get(); }
};

Training make(ThreadPool& pool, const Problem& problem, const OptimizerConfig& optimizer = {},
              Precision precision = Precision::kFloat32, std::uint64_t seed = 7) {
  const std::vector<float> table = reference::flatten(problem.table);
  const std::size_t dim = problem.table[0].size();
  auto criterion = Criterion::create(pool, dim, {reference::term_of(problem.loss)}, precision);
  EXPECT_TRUE(criterion.is_ok()) << criterion.status().message;
  auto trainer = Trainer::create(pool, table, problem.table.size(), dim, optimizer, seed, problem.pooling);
  EXPECT_TRUE(trainer.is_ok()) << trainer.status().message;
  Source source = problem.source();
  if (criterion.value()->compares_texts()) hash_texts(source);
  return {std::move(source), std::move(criterion.value()), std::move(trainer.value())};
}

struct Shape {
  std::size_t dim, columns, batch;
  std::vector<Prefix> matryoshka;
};

std::vector<Shape> shapes() {
  return {{64, 2, 32, {}},
          {64, 2, 32, {{8, 1}, {16, 1}, {32, 1}, {64, 1}}},
          {50, 3, 37, {}},
          {50, 3, 37, {{3, 2.0f}, {17, 0.25f}, {50, 1.0f}}},
          {20, 4, 2, {{5, 1.0f}, {11, 0.5f}}},
          {100, 2, 70, {{33, 1.0f}, {66, 1.0f}, {100, 1.0f}}},
          {7, 5, 33, {}}};
}

void expect_gradient(const Problem& problem, const std::string& name, Precision precision = Precision::kFloat32,
                     double loss_tolerance = 3e-6, double gradient_tolerance = 3e-6) {
  ThreadPool pool(2);
  const Training trainer = make(pool, problem, {}, precision);
  Matrix expected = reference::zeros(problem.table.size(), problem.table[0].size());
  const double loss = reference::loss_and_gradient(problem, expected);
  std::vector<float> gradient(problem.table.size() * problem.table[0].size());
  auto actual = trainer->gradient(*trainer.criterion, trainer.source, problem.batch, gradient);
  ASSERT_TRUE(actual.is_ok()) << name << ": " << actual.status().message;
  EXPECT_NEAR(actual.value(), loss, loss_tolerance * std::abs(loss)) << name;
  EXPECT_LT(reference::relative_error(gradient, expected), gradient_tolerance) << name;
}

TEST(Reference, GradientIsThatOfFiniteDifferences) {
  for (unsigned directions : {1u, 15u}) {
    Problem problem = reference::random_problem(3, 20, 6, 3, 5);
    problem.loss.ranking.directions = directions;
    problem.loss.matryoshka = {{2, 0.5f}, {6, 1.0f}};
    problem.pooling = {directions == 1 ? model::Weighting::kMean : model::Weighting::kSqrt, {4}};
    Matrix gradient = reference::zeros(20, 6);
    reference::loss_and_gradient(problem, gradient);
    Matrix ignored = reference::zeros(20, 6);
    for (std::size_t row : {0u, 1u, 4u, 11u}) {
      for (std::size_t d = 0; d < 6; ++d) {
        constexpr double kStep = 1e-6;
        Problem up = problem, down = problem;
        up.table[row][d] += kStep;
        down.table[row][d] -= kStep;
        const double slope =
            (reference::loss_and_gradient(up, ignored) - reference::loss_and_gradient(down, ignored)) / (2 * kStep);
        EXPECT_NEAR(gradient[row][d], slope, 1e-6);
      }
    }
  }
}

TEST(Trainer, LossAndGradientInEveryDirection) {
  unsigned seed = 1;
  for (const Shape& shape : shapes()) {
    for (unsigned directions : {1u, 1u | 2u, 1u | 4u, 1u | 8u, 1u | 2u | 8u, 15u}) {
      for (bool per_direction : {false, true}) {
        if (per_direction && (directions & (reference::kQueryToQuery | reference::kDocToDoc)) != 0) continue;
        Problem problem = reference::random_problem(seed++, 90, shape.dim, shape.columns, shape.batch);
        problem.loss.matryoshka = shape.matryoshka;
        problem.loss.ranking.directions = directions;
        problem.loss.ranking.per_direction = per_direction;
        expect_gradient(problem, "dim " + std::to_string(shape.dim) + " directions " + std::to_string(directions) +
                                     (per_direction ? " apart" : ""));
      }
    }
  }
}

TEST(Trainer, LossAndGradientOfEveryPooling) {
  for (const Shape& shape : shapes()) {
    for (model::Weighting weighting : {model::Weighting::kMean, model::Weighting::kSqrt}) {
      for (bool excludes : {false, true}) {
        // Few rows, so that texts repeat them.
        Problem problem = reference::random_problem(40, 12, shape.dim, shape.columns, shape.batch);
        problem.loss.matryoshka = shape.matryoshka;
        problem.pooling.weighting = weighting;
        if (excludes) problem.pooling.excluded_ids = {0, 1, 7};
        expect_gradient(problem, "dim " + std::to_string(shape.dim) + (excludes ? " excluding" : ""),
                        Precision::kFloat32, 5e-6, 5e-6);
      }
    }
  }
}

TEST(Trainer, LossAndGradientOfDotProducts) {
  for (const Shape& shape : shapes()) {
    Problem problem = reference::random_problem(50, 90, shape.dim, shape.columns, shape.batch);
    problem.loss.matryoshka = shape.matryoshka;
    problem.loss.ranking.similarity = reference::Similarity::kDot;
    problem.loss.ranking.scale = 0.7f;
    problem.loss.ranking.directions = 15;
    expect_gradient(problem, "dim " + std::to_string(shape.dim), Precision::kFloat32, 1e-5, 1e-5);
  }
}

TEST(Trainer, LossAndGradientOfHardness) {
  for (const Shape& shape : shapes()) {
    for (reference::Hardness hardness : {reference::Hardness::kInBatchNegatives, reference::Hardness::kHardNegatives,
                                         reference::Hardness::kAllNegatives}) {
      for (unsigned directions : {1u, 15u}) {
        Problem problem = reference::random_problem(60, 90, shape.dim, shape.columns, shape.batch);
        problem.loss.matryoshka = shape.matryoshka;
        problem.loss.ranking.directions = directions;
        problem.loss.ranking.hardness = hardness;
        problem.loss.ranking.hardness_strength = 9.0f;
        expect_gradient(problem,
                        "dim " + std::to_string(shape.dim) + " hardness " + std::to_string(static_cast<int>(hardness)));
      }
    }
  }
}

// The same texts in several rows and columns, and one that is its own positive.
TEST(Trainer, LossAndGradientWithDuplicatesMasked) {
  for (const Shape& shape : shapes()) {
    if (shape.batch == 2) continue;  // little is left of the loss then, and that rounded
    for (unsigned directions : {1u, 1u | 4u, 15u}) {
      for (reference::Hardness hardness : {reference::Hardness::kNone, reference::Hardness::kAllNegatives}) {
        Problem problem = reference::random_problem(65, 90, shape.dim, shape.columns, shape.batch);
        const std::vector<TokenColumn> all = problem.columns;
        for (std::size_t c = 0; c < all.size(); ++c) {
          TokenColumn& column = problem.columns[c] = TokenColumn();
          for (std::size_t text = 0; text < all[c].count(); ++text) {
            const TokenColumn& from = all[text % 3 == 0 ? c : 0];
            const std::size_t of = text % 3 == 0 ? text : text % 5;
            for (std::uint64_t k = from.offsets[of]; k < from.offsets[of + 1]; ++k) column.ids.push_back(from.ids[k]);
            column.offsets.push_back(column.ids.size());
          }
        }
        problem.loss.matryoshka = shape.matryoshka;
        problem.loss.ranking.directions = directions;
        problem.loss.ranking.hardness = hardness;
        problem.loss.ranking.hardness_strength = 3.0f;
        problem.loss.ranking.mask_duplicates = true;
        expect_gradient(problem, "dim " + std::to_string(shape.dim) + " directions " + std::to_string(directions));
      }
    }
  }
}

TEST(Trainer, Bfloat16IsNearFloat32) {
  for (const Shape& shape : shapes()) {
    Problem problem = reference::random_problem(70, 90, shape.dim, shape.columns, shape.batch);
    problem.loss.matryoshka = shape.matryoshka;
    problem.loss.ranking.directions = 15;
    expect_gradient(problem, "dim " + std::to_string(shape.dim), Precision::kBfloat16, 1e-2, 2e-2);
  }
}

// More rows than one slab of H holds.
TEST(Trainer, LossAndGradientOfManySlabs) {
  Problem problem = reference::random_problem(80, 300, 16, 2, 2100);
  problem.loss.ranking.directions = 1u | 4u;
  problem.loss.matryoshka = {{4, 1}, {16, 1}};
  expect_gradient(problem, "batch 2100", Precision::kFloat32, 1e-5, 1e-5);
}

struct Course {
  std::vector<float> table;
  std::vector<StepReport> reports;
};

Course train(unsigned threads, const Problem& problem, const OptimizerConfig& optimizer, Precision precision) {
  ThreadPool pool(threads);
  const Training trainer = make(pool, problem, optimizer, precision);
  Course course;
  for (int s = 0; s < 6; ++s) {
    std::vector<std::uint32_t> batch = problem.batch;
    std::rotate(batch.begin(), batch.begin() + s, batch.end());
    batch.resize(batch.size() - static_cast<std::size_t>(s));
    course.reports.push_back(trainer.step(batch, 0.1).value());
  }
  trainer->synchronize();
  course.table.assign(trainer->table().begin(), trainer->table().end());
  return course;
}

TEST(Trainer, TheSameBitsForAnyNumberOfThreads) {
  Problem problem = reference::random_problem(90, 400, 96, 3, 150);
  problem.loss.ranking.directions = 15;
  problem.loss.matryoshka = {{32, 1}, {64, 1}, {96, 1}};
  problem.loss.dims_per_step = 2;
  OptimizerConfig optimizer;
  optimizer.max_grad_norm = 0.5f;
  optimizer.weight_decay = 0.01f;
  for (Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    problem.pooling.weighting = precision == Precision::kFloat32 ? model::Weighting::kSqrt : model::Weighting::kMean;
    const Course one = train(1, problem, optimizer, precision);
    for (unsigned threads : {2u, 3u, 5u}) {
      const Course many = train(threads, problem, optimizer, precision);
      EXPECT_EQ(many.table, one.table) << threads << " threads";
      for (std::size_t s = 0; s < one.reports.size(); ++s) {
        EXPECT_EQ(many.reports[s].loss, one.reports[s].loss);
        EXPECT_EQ(many.reports[s].grad_norm, one.reports[s].grad_norm);
      }
    }
  }
}

TEST(Trainer, StepsAreThoseOfTheReferenceOptimizers) {
  for (OptimizerKind kind : {OptimizerKind::kAdamW, OptimizerKind::kSparseAdam}) {
    for (float decay : {0.0f, 0.05f}) {
      for (std::optional<float> most :
           {std::optional<float>(), std::optional<float>(0.3f), std::optional<float>(1e3f)}) {
        Problem problem = reference::random_problem(100, 120, 24, 3, 20);
        problem.loss.matryoshka = {{8, 1}, {24, 1}};
        OptimizerConfig optimizer;
        optimizer.kind = kind;
        optimizer.weight_decay = decay;
        optimizer.max_grad_norm = most;
        ThreadPool pool(2);
        const Training trainer = make(pool, problem, optimizer);
        reference::Adam adam(optimizer, 120, 24);
        const std::vector<std::uint32_t> all = problem.batch;
        for (std::size_t s = 0; s < 30; ++s) {
          problem.batch.assign(all.begin() + static_cast<std::ptrdiff_t>(s % 10),
                               all.begin() + static_cast<std::ptrdiff_t>(s % 10 + 6));
          Matrix gradient = reference::zeros(120, 24);
          const double loss = reference::loss_and_gradient(problem, gradient);
          std::vector<bool> touched(120, false);
          for (const TokenColumn& column : problem.columns) {
            for (std::uint32_t row : problem.batch) {
              for (std::size_t k = column.offsets[row]; k < column.offsets[row + 1]; ++k) touched[column.ids[k]] = true;
            }
          }
          const double rate = 0.01 * static_cast<double>(s % 7);
          const double norm = adam.step(problem.table, gradient, touched, rate);
          const StepReport report = trainer.step(problem.batch, rate).value();
          EXPECT_NEAR(report.loss, loss, 1e-3 * std::abs(loss));
          EXPECT_NEAR(report.grad_norm, norm, 1e-3 * norm);
        }
        trainer->synchronize();
        EXPECT_LT(reference::relative_error(trainer->table(), problem.table), 1e-3);
      }
    }
  }
}

TEST(Trainer, RestoredStateGoesOnWithTheSameBits) {
  Problem problem = reference::random_problem(110, 200, 32, 2, 24);
  problem.loss.matryoshka = {{8, 1}, {16, 1}, {32, 1}};
  problem.loss.dims_per_step = 1;
  for (OptimizerKind kind : {OptimizerKind::kAdamW, OptimizerKind::kSparseAdam}) {
    OptimizerConfig optimizer;
    optimizer.kind = kind;
    optimizer.weight_decay = 0.02f;
    ThreadPool pool(2);
    const Training straight = make(pool, problem, optimizer);
    const Training resumed = make(pool, problem, optimizer, Precision::kFloat32, 99);
    const auto step = [&](const Training& trainer, std::size_t s) {
      const std::vector<std::uint32_t> batch(problem.batch.begin() + static_cast<std::ptrdiff_t>(s),
                                             problem.batch.begin() + static_cast<std::ptrdiff_t>(s + 4));
      ASSERT_TRUE(trainer.step(batch, 0.05).is_ok());
    };
    for (std::size_t s = 0; s < 10; ++s) step(straight, s);
    std::vector<float> before(200 * 32), after(200 * 32);
    ASSERT_TRUE(straight->snapshot(before).is_ok());
    ASSERT_TRUE(resumed->restore(straight->state()).is_ok());
    ASSERT_TRUE(resumed->snapshot(after).is_ok());
    EXPECT_EQ(before, after);
    for (std::size_t s = 10; s < 20; ++s) {
      step(straight, s);
      step(resumed, s);
    }
    straight->synchronize();
    resumed->synchronize();
    EXPECT_TRUE(std::equal(straight->table().begin(), straight->table().end(), resumed->table().begin()));
  }
}

TEST(Trainer, SnapshotIsTheSynchronizedTable) {
  Problem problem = reference::random_problem(120, 200, 32, 2, 24);
  OptimizerConfig optimizer;
  optimizer.weight_decay = 0.02f;
  ThreadPool pool(2);
  const Training trainer = make(pool, problem, optimizer);
  for (std::size_t s = 0; s < 8; ++s) {
    const std::vector<std::uint32_t> batch(problem.batch.begin() + static_cast<std::ptrdiff_t>(s),
                                           problem.batch.begin() + static_cast<std::ptrdiff_t>(s + 3));
    ASSERT_TRUE(trainer.step(batch, 0.05).is_ok());
  }
  std::vector<float> snapshot(200 * 32);
  ASSERT_TRUE(trainer->snapshot(snapshot).is_ok());
  EXPECT_FALSE(std::equal(snapshot.begin(), snapshot.end(), trainer->table().begin()));
  trainer->synchronize();
  EXPECT_TRUE(std::equal(snapshot.begin(), snapshot.end(), trainer->table().begin()));
  std::vector<float> short_one(5);
  EXPECT_EQ(trainer->snapshot(short_one).code, Code::kInvalidArgument);
}

TEST(Trainer, DimsAreDrawnAnewEachStepBySeed) {
  Problem problem = reference::random_problem(130, 100, 32, 2, 16);
  problem.loss.matryoshka = {{4, 1}, {8, 10}, {16, 100}, {32, 1000}};
  problem.loss.dims_per_step = 1;
  const auto losses = [&](std::uint64_t seed) {
    ThreadPool pool(1);
    const Training trainer = make(pool, problem, {}, Precision::kFloat32, seed);
    std::vector<double> out;
    for (int s = 0; s < 40; ++s) out.push_back(trainer.step(problem.batch, 0.0).value().loss);
    return out;
  };
  const std::vector<double> first = losses(1);
  EXPECT_EQ(first, losses(1));
  EXPECT_NE(first, losses(2));
  std::vector<double> distinct = first;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  EXPECT_EQ(distinct.size(), 4u);
}

TEST(Criterion, NamesWhatCannotBe) {
  ThreadPool pool(1);
  const auto status_of = [&](std::vector<CriterionTerm> terms) {
    return Criterion::create(pool, 4, std::move(terms), Precision::kFloat32).status();
  };
  const auto status = [&](const reference::LossConfig& loss) { return status_of({reference::term_of(loss)}); };
  reference::LossConfig loss;
  loss.matryoshka = {{2, 1}, {5, 1}};
  EXPECT_EQ(status(loss).code, Code::kInvalidArgument);
  EXPECT_NE(status(loss).message.find("5"), std::string::npos);
  loss.matryoshka = {{2, 1}, {2, 1}};
  EXPECT_EQ(status(loss).code, Code::kInvalidArgument);
  loss = {};
  loss.ranking.directions = reference::kDocToQuery;
  EXPECT_EQ(status(loss).code, Code::kInvalidArgument);
  loss.ranking.directions = reference::kQueryToDoc | reference::kDocToDoc;
  loss.ranking.per_direction = true;
  EXPECT_EQ(status(loss).code, Code::kInvalidArgument);
  loss = {};
  for (float scale : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN()}) {
    loss.ranking.scale = scale;
    EXPECT_EQ(status(loss).code, Code::kInvalidArgument);
  }
  EXPECT_EQ(status_of({}).code, Code::kInvalidArgument);
  CriterionTerm term = reference::term_of({});
  term.weight = std::numeric_limits<float>::infinity();
  EXPECT_EQ(status_of({term}).code, Code::kInvalidArgument);
  term = reference::term_of({});
  term.objective.values["similarity"] = std::string("manhattan");
  EXPECT_EQ(status_of({term}).code, Code::kInvalidArgument);
  term.objective.values.erase("similarity");
  EXPECT_NE(status_of({term}).message.find("similarity"), std::string::npos);
  term.objective.kind = "no_loss";
  EXPECT_NE(status_of({term}).message.find("no_loss"), std::string::npos);
}

TEST(Criterion, SumsObjectivesAndTheirGradients) {
  Problem problem = reference::random_problem(150, 90, 24, 3, 40);
  reference::LossConfig cosine, prefixes;
  prefixes.ranking.scale = 5.0f;
  prefixes.matryoshka = {{8, 0.5f}, {16, 2.0f}};
  const std::vector<float> table = reference::flatten(problem.table);
  ThreadPool pool(2);
  auto created = Trainer::create(pool, table, 90, 24, OptimizerConfig{}, 1);
  Trainer& trainer = *created.value();
  Source source = problem.source();
  std::vector<float> gradient(table.size());
  CriterionTerm second = reference::term_of(prefixes);
  second.weight = 0.25f;
  auto criterion = Criterion::create(pool, 24, {reference::term_of(cosine), second}, Precision::kFloat32);
  const double loss = trainer.gradient(*criterion.value(), source, problem.batch, gradient).value();

  Matrix expected = reference::zeros(90, 24);
  problem.loss = cosine;
  double expected_loss = reference::loss_and_gradient(problem, expected);
  problem.loss = prefixes;
  for (Prefix& prefix : problem.loss.matryoshka) prefix.weight *= 0.25f;
  expected_loss += reference::loss_and_gradient(problem, expected);
  EXPECT_NEAR(loss, expected_loss, 3e-6 * expected_loss);
  EXPECT_LT(reference::relative_error(gradient, expected), 3e-6);
}

TEST(Trainer, NamesWhatCannotBe) {
  ThreadPool pool(1);
  const std::vector<float> table(10 * 4, 1.0f);
  const auto status = [&](const OptimizerConfig& optimizer, std::size_t rows = 10) {
    return Trainer::create(pool, table, rows, 4, optimizer, 1).status();
  };
  EXPECT_EQ(status({}, 9).code, Code::kInvalidArgument);
  OptimizerConfig optimizer;
  optimizer.beta1 = 1.0f;
  EXPECT_EQ(status(optimizer).code, Code::kInvalidArgument);
  optimizer = {};
  optimizer.max_grad_norm = 0.0f;
  EXPECT_EQ(status(optimizer).code, Code::kInvalidArgument);
}

TEST(Trainer, ABadBatchChangesNothing) {
  Problem problem = reference::random_problem(140, 50, 8, 2, 8);
  ThreadPool pool(1);
  const Training trainer = make(pool, problem);
  ASSERT_TRUE(trainer.step(problem.batch, 0.1).is_ok());
  const std::vector<float> before(trainer->table().begin(), trainer->table().end());
  const auto code = [&](const Source& source, const std::vector<std::uint32_t>& batch, double rate) {
    return trainer->step(*trainer.criterion, source, batch, rate).status().code;
  };
  Source source = trainer.source;
  EXPECT_EQ(trainer.criterion->check({{source.columns[0]}, {}, {}, {}}).code, Code::kInvalidArgument);
  EXPECT_EQ(code({{source.columns[0], nullptr}, {}, {}, {}}, problem.batch, 0.1), Code::kInvalidArgument);
  EXPECT_EQ(code({}, problem.batch, 0.1), Code::kInvalidArgument);
  EXPECT_EQ(code(source, {1}, 0.1), Code::kInvalidArgument);
  EXPECT_EQ(code(source, {1, 1000}, 0.1), Code::kOutOfRange);
  for (double rate : {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(code(source, problem.batch, rate), Code::kInvalidArgument);
  }
  auto beyond = std::make_shared<TokenColumn>(problem.columns[0]);
  std::vector<std::uint32_t> ids(beyond->ids.begin(), beyond->ids.end());
  ids[beyond->offsets[4]] = 50;
  beyond->ids = {};
  beyond->ids.append(ids);
  source.columns[0] = beyond;
  EXPECT_EQ(code(source, {4, 5}, 0.1), Code::kOutOfRange);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), trainer->table().begin()));
}

}  // namespace
}  // namespace stillvec::training
