#include "training/evaluate_loss.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "reference.h"
#include "runtime/thread_pool.h"
#include "training/trainer.h"

namespace stillvec::training {
namespace {

using reference::Problem;

constexpr std::size_t kRows = 60, kDim = 16;

std::shared_ptr<const model::EmbeddingTable> table_of(const Problem& problem) {
  const std::vector<float> values = reference::flatten(problem.table);
  return model::EmbeddingTable::from_f32(kRows, kDim, [&](float* out) { std::ranges::copy(values, out); }).value();
}

TEST(EvaluateLoss, IsTheMeanOfTheBatchesThatATrainerSees) {
  Problem problem = reference::random_problem(1, kRows, kDim, 2, 25);  // 30 rows
  problem.loss.matryoshka = {{4, 1}, {16, 2}};
  const CriterionTerm term = reference::term_of(problem.loss);
  CriterionTerm drawn = term;
  drawn.dims_per_step = 1;
  ThreadPool pool(2), one_thread(1);
  const auto table = table_of(problem);
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    auto criterion = Criterion::create(pool, kDim, {term}, precision);
    auto trainer = Trainer::create(pool, table->f32(), kRows, kDim, {}, 1);
    for (const std::size_t batch_size : {2u, 7u, 29u, 100u}) {
      double sum = 0.0;
      std::size_t batches = 0;
      for (std::size_t begin = 0; begin + 2 <= 30; begin += batch_size, ++batches) {
        std::vector<std::uint32_t> rows(std::min<std::size_t>(batch_size, 30 - begin));
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
        sum += trainer.value()->step(*criterion.value(), problem.source(), rows, 0.0).value().loss;
      }
      const double mean = sum / static_cast<double>(batches);
      EXPECT_EQ(evaluate_loss(pool, table, problem.source(), {term}, precision, batch_size).value(), mean);
      EXPECT_EQ(evaluate_loss(one_thread, table, problem.source(), {drawn}, precision, batch_size).value(), mean);
    }
  }
  const auto half = table->convert(model::Dtype::kF16, pool).value();
  const double exact = evaluate_loss(pool, table, problem.source(), {term}, Precision::kFloat32, 10).value();
  EXPECT_NEAR(evaluate_loss(pool, half, problem.source(), {term}, Precision::kFloat32, 10).value(), exact, 1e-2);
}

TEST(EvaluateLoss, NamesWhatCannotBe) {
  const Problem problem = reference::random_problem(2, kRows, kDim, 2, 25);
  const CriterionTerm term = reference::term_of(problem.loss);
  ThreadPool pool(1);
  const auto table = table_of(problem);
  const auto code = [&](Source source, std::vector<CriterionTerm> terms, std::size_t batch_size,
                        const ShallStop& shall_stop = {}) {
    return evaluate_loss(pool, table, std::move(source), std::move(terms), Precision::kFloat32, batch_size, {},
                         shall_stop)
        .status()
        .code;
  };
  EXPECT_EQ(code({}, {term}, 8), Code::kInvalidArgument);
  EXPECT_EQ(code(problem.source(), {}, 8), Code::kInvalidArgument);
  EXPECT_EQ(code(problem.source(), {term}, 1), Code::kInvalidArgument);
  CriterionTerm learning;
  learning.objective = {"embed_distill", {{"distanceMetric", std::string("mse")}, {"projectionDim", 3.0}}};
  EXPECT_EQ(code(problem.source(), {learning}, 8), Code::kInvalidArgument);
  EXPECT_EQ(code(problem.source(), {term}, 8, [] { return true; }), Code::kAborted);
  const auto few = model::EmbeddingTable::from_f32(2, kDim, [](float* out) { std::fill_n(out, 2 * kDim, 1.0f); });
  EXPECT_EQ(evaluate_loss(pool, few.value(), problem.source(), {term}, Precision::kFloat32, 8).status().code,
            Code::kOutOfRange);
}

}  // namespace
}  // namespace stillvec::training
