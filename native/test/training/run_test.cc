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
  Source source;
};

Data random_data(unsigned seed, std::size_t texts) {
  const reference::Problem problem = reference::random_problem(seed, 60, 16, 2, texts - 5);
  const std::vector<float> values = reference::flatten(problem.table);
  Data data;
  data.table = model::EmbeddingTable::from_f32(60, 16, [&](float* out) { std::ranges::copy(values, out); }).value();
  for (const TokenColumn& column : problem.columns)
    data.source.columns.push_back(std::make_shared<TokenColumn>(column));
  return data;
}

RunConfig config_of(SamplerKind sampler, std::size_t batch_size) {
  RunConfig config;
  config.sampler = sampler;
  config.batch_size = batch_size;
  config.seed = 3;
  reference::LossConfig loss;
  loss.matryoshka = {{4, 1}, {8, 1}, {16, 1}};
  loss.dims_per_step = 2;
  config.loss = {reference::term_of(loss)};
  config.optimizer.weight_decay = 0.01f;
  return config;
}

std::unique_ptr<Run> make(ThreadPool& pool, const Data& data, const RunConfig& config) {
  auto run = Run::create(pool, *data.table, data.source, config);
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

const SamplerKind kSamplers[] = {SamplerKind::kSequential, SamplerKind::kRandom, SamplerKind::kNoDuplicates};

TEST(Run, EpochsFollowOneAnotherUntilTheyAreOver) {
  const Data data = random_data(1, 30);
  ThreadPool pool(2);
  for (SamplerKind sampler : {SamplerKind::kSequential, SamplerKind::kRandom}) {
    auto run = make(pool, data, config_of(sampler, 8));
    EXPECT_EQ(run->batches_per_epoch(), 4u);
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
  const Data data = random_data(2, 40);
  for (SamplerKind sampler : kSamplers) {
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
  const Data data = random_data(3, 30);
  ThreadPool pool(2);
  for (SamplerKind sampler : kSamplers) {
    const RunConfig config = config_of(sampler, 7);
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
      }
      EXPECT_EQ(values_of(*resumed), end) << "from step " << s;
    }
  }
}

TEST(Run, OneStepAtLeastWhateverTheTime) {
  const Data data = random_data(4, 30);
  ThreadPool pool(1);
  auto run = make(pool, data, config_of(SamplerKind::kRandom, 8));
  EXPECT_EQ(run->advance(std::vector<double>(9, 0.1), 10, Run::Milliseconds(0)).value().size(), 1u);
}

// But for rounding: to catch a row up in two goes is not the same as in one.
TEST(Run, AStoppedStepComesNext) {
  const Data data = random_data(5, 30);
  ThreadPool pool(1);
  for (SamplerKind sampler : kSamplers) {
    auto straight = make(pool, data, config_of(sampler, 8));
    auto stopped = make(pool, data, config_of(sampler, 8));
    const std::vector<RunStep> steps = advance(*straight, 9);
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
      EXPECT_NEAR(advance(*resumed, 1).at(0).report.loss, steps[taken.size()].report.loss, 1e-5);
    }
    ASSERT_EQ(taken.size(), 9u);
    for (std::size_t s = 0; s < 9; ++s) EXPECT_NEAR(taken[s].report.loss, steps[s].report.loss, 1e-5);
  }
}

TEST(Run, StepsBeforeAFailureAreGivenFirst) {
  const Data data = random_data(6, 30);
  ThreadPool pool(1);
  auto run = make(pool, data, config_of(SamplerKind::kRandom, 8));
  const std::vector<double> rates = {0.1, 0.1, -1.0};
  EXPECT_EQ(run->advance(rates, 10, kNoLimit).value().size(), 2u);
  const std::vector<double> bad = {-1.0};
  EXPECT_EQ(run->advance(bad, 10, kNoLimit).status().code, Code::kInvalidArgument);
  auto straight = make(pool, data, config_of(SamplerKind::kRandom, 8));
  ASSERT_TRUE(straight->advance(std::vector<double>(2, 0.1), 10, kNoLimit).is_ok());
  EXPECT_EQ(advance(*run, 1).at(0).report.loss, advance(*straight, 1).at(0).report.loss);
  EXPECT_EQ(values_of(*run), values_of(*straight));
}

TEST(Run, NamesWhatCannotBe) {
  const Data data = random_data(7, 30);
  ThreadPool pool(1);
  const auto code = [&](std::vector<std::shared_ptr<const TokenColumn>> columns, std::size_t batch_size) {
    return Run::create(pool, *data.table, {std::move(columns), {}, {}, {}}, config_of(SamplerKind::kRandom, batch_size))
        .status()
        .code;
  };
  EXPECT_EQ(code({}, 8), Code::kInvalidArgument);
  EXPECT_EQ(code({data.source.columns[0]}, 8), Code::kInvalidArgument);
  EXPECT_EQ(code({data.source.columns[0], random_data(7, 31).source.columns[0]}, 8), Code::kInvalidArgument);
  EXPECT_EQ(code(data.source.columns, 1), Code::kInvalidArgument);

  auto run = make(pool, data, config_of(SamplerKind::kRandom, 8));
  RunState state = run->state();
  state.remaining_rows = {30};
  EXPECT_EQ(run->restore(state).code, Code::kCorrupt);
  state.remaining_rows = {2, 2};
  EXPECT_EQ(run->restore(state).code, Code::kCorrupt);
}

}  // namespace
}  // namespace stillvec::training
