#include "training/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "reference.h"
#include "runtime/thread_pool.h"

namespace stillvec::training {
namespace {

constexpr Run::Milliseconds kNoLimit(1e9);

struct Data {
  std::shared_ptr<const model::EmbeddingTable> table;
  std::vector<RunSource> sources;
};

Source random_source(unsigned seed, std::size_t texts) {
  const reference::Problem problem = reference::random_problem(seed, 60, 16, 2, texts - 5);
  Source source;
  for (const TokenColumn& column : problem.columns) source.columns.push_back(std::make_shared<TokenColumn>(column));
  source.labels.width = 1;
  for (std::size_t i = 0; i < texts; ++i) source.labels.values.push_back(static_cast<float>(i % 3));
  return source;
}

// One source for each number of texts.
Data random_data(unsigned seed, const std::vector<std::size_t>& texts) {
  const std::vector<float> values = reference::flatten(reference::random_problem(seed, 60, 16, 2, 1).table);
  Data data;
  data.table = model::EmbeddingTable::from_f32(60, 16, [&](float* out) { std::ranges::copy(values, out); }).value();
  for (std::size_t k = 0; k < texts.size(); ++k) {
    data.sources.push_back(
        {"set" + std::to_string(k), random_source(seed + static_cast<unsigned>(k), texts[k]), k % 2});
  }
  return data;
}

RunConfig config_of(const std::string& sampler, std::size_t batch_size) {
  RunConfig config;
  config.batch_sampler = sampler;
  config.batch_size = batch_size;
  config.seed = 3;
  reference::LossConfig loss;
  loss.matryoshka = {{4, 1}, {8, 1}, {16, 1}};
  loss.dims_per_step = 2;
  reference::LossConfig other;
  other.ranking.scale = 5.0f;
  config.losses = {{reference::term_of(loss)}, {reference::term_of(other)}};
  config.optimizer.weight_decay = 0.01f;
  return config;
}

std::unique_ptr<Run> make(ThreadPool& pool, const Data& data, const RunConfig& config) {
  auto run = Run::create(pool, data.table, data.sources, config);
  EXPECT_TRUE(run.is_ok()) << run.status().message;
  return std::move(run.value());
}

std::vector<RunStep> advance(Run& run, std::size_t steps, std::uint64_t epochs = 1000) {
  auto taken = run.advance(std::vector<double>(steps, 0.05), epochs, kNoLimit);
  EXPECT_TRUE(taken.is_ok()) << taken.status().message;
  return taken.value();
}

std::vector<float> values_of(const Run& run) {
  const auto table = run.snapshot().value();
  const float* values = reinterpret_cast<const float*>(table->data());
  return {values, values + table->rows() * table->dim()};
}

// A copy of what state() shows.
struct Saved {
  explicit Saved(const Run& run) : state(run.state()) {
    const auto keep = [](auto& copy, auto& view) {
      copy.assign(view.begin(), view.end());
      view = copy;
    };
    keep(table, state.trainer.table);
    keep(first, state.trainer.first_moment);
    keep(second, state.trainer.second_moment);
    keep(last_steps, state.trainer.last_steps);
    keep(rates, state.trainer.learning_rates);
  }

  RunState state;
  std::vector<float> table, first, second;
  std::vector<std::uint32_t> last_steps;
  std::vector<double> rates;
};

const char* const kSamplers[] = {"sequential", "random", "no_duplicates", "group_by_label"};

TEST(Run, EpochsFollowOneAnotherUntilTheyAreOver) {
  const Data data = random_data(1, {30});
  ThreadPool pool(2);
  for (const char* sampler : {"sequential", "random"}) {
    auto run = make(pool, data, config_of(sampler, 8));
    EXPECT_EQ(run->count_steps(3, 100).value(), 12u);
    EXPECT_EQ(run->count_steps(3, 7).value(), 7u);
    const std::vector<RunStep> steps = advance(*run, 100, 3);
    ASSERT_EQ(steps.size(), 12u);
    for (std::size_t s = 0; s < steps.size(); ++s) {
      EXPECT_EQ(steps[s].epoch, s / 4);
      EXPECT_EQ(steps[s].rows, s % 4 == 3 ? 6u : 8u);
    }
    EXPECT_TRUE(advance(*run, 1, 3).empty());
    EXPECT_EQ(advance(*run, 100, 4).size(), 4u) << "more epochs extend a run";
  }
}

TEST(Run, TheSameBitsHoweverItsStepsAreDivided) {
  const Data data = random_data(2, {40, 33});
  for (const char* sampler : kSamplers) {
    ThreadPool one_thread(1), threads(3);
    auto whole = make(one_thread, data, config_of(sampler, 6));
    auto divided = make(threads, data, config_of(sampler, 6));
    const std::vector<RunStep> steps = advance(*whole, 17);
    std::vector<RunStep> taken;
    for (std::size_t count : {1u, 5u, 0u, 8u, 3u}) {
      for (const RunStep& step : advance(*divided, count)) taken.push_back(step);
    }
    ASSERT_EQ(taken.size(), steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) EXPECT_EQ(taken[s].report.loss, steps[s].report.loss);
    EXPECT_EQ(values_of(*divided), values_of(*whole));
  }
}

TEST(Run, ResumesAtEveryStepWithTheSameBits) {
  const Data data = random_data(3, {30, 8, 21});
  ThreadPool pool(2);
  for (const char* sampler : kSamplers) {
    const RunConfig config = config_of(sampler, 6);
    auto straight = make(pool, data, config);
    std::vector<Saved> saved;
    std::vector<RunStep> steps;
    for (std::size_t s = 0; s < 12; ++s) {
      saved.emplace_back(*straight);
      steps.push_back(advance(*straight, 1).at(0));
    }
    const std::vector<float> end = values_of(*straight);
    for (std::size_t s = 0; s < saved.size(); ++s) {
      auto resumed = make(pool, data, config);
      advance(*resumed, s % 3);  // what it did before is of no matter
      ASSERT_TRUE(resumed->restore(saved[s].state).is_ok());
      const std::vector<RunStep> rest = advance(*resumed, saved.size() - s);
      ASSERT_EQ(rest.size(), saved.size() - s);
      for (std::size_t i = 0; i < rest.size(); ++i) {
        EXPECT_EQ(rest[i].report.loss, steps[s + i].report.loss) << "from step " << s;
        EXPECT_EQ(rest[i].epoch, steps[s + i].epoch);
        EXPECT_EQ(rest[i].rows, steps[s + i].rows);
        EXPECT_EQ(rest[i].source, steps[s + i].source);
      }
      EXPECT_EQ(values_of(*resumed), end) << "from step " << s;
    }
  }
}

// What a loss learns beside the table is part of the state.
TEST(Run, ResumesWhatALossLearns) {
  Data data = random_data(10, {20});
  Source& source = data.sources[0].source;
  source.columns.resize(1);
  source.labels = {};
  source.labels.width = 8;
  for (std::size_t i = 0; i < 20 * 8; ++i) source.labels.values.push_back(static_cast<float>(i % 7) - 3.0f);
  RunConfig config = config_of("random", 6);
  CriterionTerm distill;
  distill.objective.kind = "embed_distill";
  distill.objective.values = {{"distanceMetric", std::string("mse")}, {"projectionDim", 8.0}};
  config.losses = {{distill}};
  ThreadPool pool(2);
  auto straight = make(pool, data, config);
  advance(*straight, 5);
  const Saved saved(*straight);
  EXPECT_FALSE(saved.state.losses.empty());
  auto resumed = make(pool, data, config);
  ASSERT_TRUE(resumed->restore(saved.state).is_ok());
  const std::vector<RunStep> steps = advance(*straight, 7), again = advance(*resumed, 7);
  for (std::size_t s = 0; s < steps.size(); ++s) EXPECT_EQ(again.at(s).report.loss, steps[s].report.loss);
  EXPECT_EQ(values_of(*resumed), values_of(*straight));

  RunState wrong = saved.state;
  wrong.losses.push_back(0.0);
  EXPECT_EQ(resumed->restore(wrong).code, Code::kInvalidArgument);
  wrong.losses.clear();
  EXPECT_EQ(resumed->restore(wrong).code, Code::kInvalidArgument);
}

TEST(Run, FinishGivesWhatASnapshotWould) {
  const Data data = random_data(11, {30});
  ThreadPool pool(2);
  for (OptimizerKind kind : {OptimizerKind::kAdamW, OptimizerKind::kSparseAdam}) {
    RunConfig config = config_of("random", 6);
    config.optimizer.kind = kind;
    auto run = make(pool, data, config);
    advance(*run, 7);
    const std::vector<float> snapshot = values_of(*run);
    const auto table = std::move(*run).finish();
    EXPECT_TRUE(std::ranges::equal(table->f32(), snapshot));
  }
}

TEST(Run, OneStepAtLeastWhateverTheTime) {
  const Data data = random_data(4, {30});
  ThreadPool pool(1);
  auto run = make(pool, data, config_of("random", 8));
  EXPECT_EQ(run->advance(std::vector<double>(9, 0.1), 10, Run::Milliseconds(0)).value().size(), 1u);
}

TEST(Run, AStoppedStepComesNext) {
  const Data data = random_data(5, {20, 25});
  ThreadPool pool(1);
  for (const char* sampler : kSamplers) {
    auto straight = make(pool, data, config_of(sampler, 8));
    auto stopped = make(pool, data, config_of(sampler, 8));
    std::vector<RunStep> steps;
    std::vector<std::vector<float>> tables;
    for (std::size_t s = 0; s < 9; ++s) {
      tables.push_back(values_of(*straight));
      steps.push_back(advance(*straight, 1).at(0));
    }
    std::vector<RunStep> taken;
    // Stops at another of the questions each time: before the draw, in it, within the step.
    for (int calls = 0; taken.size() < 9 && calls < 200; ++calls) {
      int left = calls % 23;
      const auto more =
          stopped->advance(std::vector<double>(9 - taken.size(), 0.05), 1000, kNoLimit, [&] { return left-- <= 0; });
      ASSERT_TRUE(more.is_ok());
      taken.insert(taken.end(), more.value().begin(), more.value().end());
      auto resumed = make(pool, data, config_of(sampler, 8));
      ASSERT_TRUE(resumed->restore(Saved(*stopped).state).is_ok());
      if (taken.size() == 9) break;
      EXPECT_EQ(advance(*resumed, 1).at(0).report.loss, steps[taken.size()].report.loss);
      EXPECT_EQ(values_of(*stopped), tables[taken.size()]);
    }
    ASSERT_EQ(taken.size(), 9u);
    for (std::size_t s = 0; s < 9; ++s) EXPECT_EQ(taken[s].report.loss, steps[s].report.loss);
    EXPECT_EQ(values_of(*stopped), values_of(*straight));
  }
}

TEST(Run, StepsBeforeAFailureAreGivenFirst) {
  const Data data = random_data(6, {30});
  ThreadPool pool(1);
  auto run = make(pool, data, config_of("random", 8));
  const std::vector<double> rates = {0.1, 0.1, -1.0};
  EXPECT_EQ(run->advance(rates, 10, kNoLimit).value().size(), 2u);
  const std::vector<double> bad = {-1.0};
  EXPECT_EQ(run->advance(bad, 10, kNoLimit).status().code, Code::kInvalidArgument);
  auto straight = make(pool, data, config_of("random", 8));
  ASSERT_TRUE(straight->advance(std::vector<double>(2, 0.1), 10, kNoLimit).is_ok());
  EXPECT_EQ(advance(*run, 1).at(0).report.loss, advance(*straight, 1).at(0).report.loss);
  EXPECT_EQ(values_of(*run), values_of(*straight));
}

TEST(Run, ABatchIsOfOneSource) {
  const std::vector<std::size_t> texts = {50, 9, 24, 6};
  const Data data = random_data(8, texts);
  ThreadPool pool(1);
  RunConfig config = config_of("random", 8);
  auto run = make(pool, data, config);
  EXPECT_EQ(run->count_steps(2, 1000).value(), 2u * (7 + 1 + 3 + 1));
  std::vector<std::size_t> rows(texts.size(), 0);
  std::vector<std::size_t> order;
  for (const RunStep& step : advance(*run, 100, 1)) {
    rows[step.source] += step.rows;
    order.push_back(step.source);
  }
  // A single row is no batch for this loss.
  EXPECT_EQ(rows, (std::vector<std::size_t>{50, 8, 24, 6}));
  EXPECT_FALSE(std::ranges::is_sorted(order));

  config.multi_dataset_batch_sampler = "round_robin";
  auto in_turn = make(pool, data, config);
  EXPECT_EQ(in_turn->count_steps(1, 1000).value(), 4u);
  order.clear();
  for (const RunStep& step : advance(*in_turn, 100, 1)) order.push_back(step.source);
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3}));
}

TEST(Run, EachSourceHasItsLoss) {
  const Data data = random_data(9, {16, 16});
  ThreadPool pool(1);
  RunConfig config = config_of("sequential", 16);
  config.multi_dataset_batch_sampler = "round_robin";
  auto both = make(pool, data, config);
  const std::vector<RunStep> steps = both->advance(std::vector<double>(2, 0.0), 1, kNoLimit).value();
  ASSERT_EQ(steps.size(), 2u);
  for (std::size_t k = 0; k < 2; ++k) {
    const Data alone = {data.table, {data.sources[k]}};
    auto run = make(pool, alone, config);
    auto first = run->advance(std::vector<double>(1, 0.0), 1, kNoLimit).value();
    EXPECT_EQ(first.at(0).report.loss, steps[k].report.loss);
  }
}

TEST(Run, NamesWhatCannotBe) {
  ThreadPool pool(1);
  const auto status = [&](const auto& change) {
    Data data = random_data(7, {30, 30});
    RunConfig config = config_of("random", 8);
    change(data.sources, config);
    return Run::create(pool, data.table, std::move(data.sources), std::move(config)).status();
  };
  using Sources = std::vector<RunSource>;
  const auto refused = [&](const auto& change, const std::string& named) {
    const Status because = status(change);
    EXPECT_EQ(because.code, Code::kInvalidArgument);
    EXPECT_NE(because.message.find(named), std::string::npos) << because.message;
  };
  refused([](Sources& sources, RunConfig&) { sources.clear(); }, "sources");
  refused([](Sources& sources, RunConfig&) { sources[1].source.columns.clear(); }, "set1: ");
  refused([](Sources& sources, RunConfig&) { sources[1].source.columns.pop_back(); }, "set1: ");
  refused([](Sources& sources, RunConfig&) { sources[0].source.columns[1] = random_source(1, 31).columns[0]; },
          "one length");
  refused([](Sources& sources, RunConfig&) { sources[1].source.labels.values.push_back(1.0f); }, "set1: ");
  refused([](Sources& sources, RunConfig&) { sources[1].loss = 2; }, "loss");
  refused([](Sources&, RunConfig& config) { config.batch_size = 1; }, "at least 2 for batchSize");
  refused([](Sources&, RunConfig& config) { config.batch_size = 0; }, "batchSize");
  refused([](Sources&, RunConfig& config) { config.batch_sampler = "none"; }, "batchSampler none");
  refused([](Sources&, RunConfig& config) { config.multi_dataset_batch_sampler = "none"; }, "BatchSampler none");
  refused([](Sources&, RunConfig& config) { config.losses[1].clear(); }, "at least one");
}

}  // namespace
}  // namespace stillvec::training
