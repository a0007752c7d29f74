#include "training/samplers/samplers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include "runtime/random.h"

namespace stillvec::training {
namespace {

// A text for each cell, as one id.
using Cells = std::vector<std::vector<std::uint32_t>>;  // rows of columns

Source source_of(const Cells& cells, const std::vector<float>& labels = {}) {
  Source source;
  const std::size_t columns = cells.empty() ? 1 : cells[0].size();
  for (std::size_t c = 0; c < columns; ++c) {
    auto column = std::make_shared<TokenColumn>();
    for (const auto& row : cells) {
      column->ids.push_back(row[c]);
      column->offsets.push_back(column->ids.size());
    }
    source.columns.push_back(std::move(column));
  }
  if (!labels.empty()) {
    source.labels.width = 1;
    source.labels.values.append(labels);
  }
  return source;
}

Cells distinct(std::size_t rows, std::size_t columns = 2) {
  Cells cells(rows, std::vector<std::uint32_t>(columns));
  std::uint32_t next = 0;
  for (auto& row : cells) {
    for (std::uint32_t& text : row) text = next++;
  }
  return cells;
}

using Rows = std::vector<std::vector<std::uint32_t>>;

Rows draw(const Sampler& sampler, std::uint64_t epoch) {
  Batches batches;
  EXPECT_TRUE(sampler.draw(epoch, batches, {}));
  EXPECT_EQ(batches.size(), sampler.count(epoch, {}));
  Rows rows;
  for (std::size_t b = 0; b < batches.size(); ++b) rows.emplace_back(batches[b].begin(), batches[b].end());
  return rows;
}

std::unique_ptr<Sampler> make(std::string_view name, Source& source, const SamplerConfig& config) {
  auto sampler = make_sampler(name, source, config);
  EXPECT_TRUE(sampler.is_ok()) << sampler.status().message;
  return std::move(sampler.value());
}

std::vector<std::uint32_t> permutation(std::size_t rows, std::uint64_t seed) {
  std::vector<std::uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0u);
  Random random(seed);
  for (std::size_t i = rows; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

bool share(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  return std::ranges::find_first_of(a, b) != a.end();
}

// Sentence Transformers' walk, row by row: batch after batch from what the ones before have left.
Rows walk(const Cells& cells, std::vector<std::uint32_t> order, std::size_t batch_size) {
  Rows batches;
  while (!order.empty()) {
    std::vector<std::uint32_t> batch, left;
    for (const std::uint32_t row : order) {
      const bool fits =
          batch.size() < batch_size &&
          std::ranges::none_of(batch, [&](std::uint32_t other) { return share(cells[row], cells[other]); });
      (fits ? batch : left).push_back(row);
    }
    batches.push_back(std::move(batch));
    order = std::move(left);
  }
  return batches;
}

Cells random_cells(std::mt19937& random, std::size_t rows, std::size_t columns, std::uint32_t texts) {
  Cells cells(rows, std::vector<std::uint32_t>(columns));
  // Some texts stand often, most seldom; columns share some.
  for (auto& row : cells) {
    for (std::uint32_t& text : row) text = random() % (random() % 4 == 0 ? texts / 8 + 1 : texts);
  }
  return cells;
}

TEST(Samplers, SequentialAndRandomCutAnOrderOfTheRows) {
  for (std::size_t rows : {0u, 1u, 2u, 7u, 8u, 9u, 100u}) {
    Source source = source_of(distinct(rows));
    for (std::size_t batch_size : {1u, 2u, 4u, 200u}) {
      for (std::size_t least : {1u, 2u}) {
        for (bool drop_last : {false, true}) {
          if (batch_size < least) continue;
          const SamplerConfig config = {batch_size, least, drop_last, 5};
          for (const char* name : {"sequential", "random"}) {
            const auto sampler = make(name, source, config);
            for (std::uint64_t epoch : {0u, 1u}) {
              std::vector<std::uint32_t> order = permutation(rows, 5 + epoch);
              if (std::string(name) == "sequential") std::ranges::sort(order);
              Rows expected;
              for (std::size_t begin = 0; begin < rows; begin += batch_size) {
                const std::size_t end = std::min(rows, begin + batch_size);
                if (end - begin < (drop_last ? batch_size : least)) continue;
                expected.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                      order.begin() + static_cast<std::ptrdiff_t>(end));
              }
              EXPECT_EQ(draw(*sampler, epoch), expected) << name << " " << rows << " " << batch_size;
            }
          }
        }
      }
    }
  }
}

TEST(Samplers, NoDuplicatesWalksAsSentenceTransformers) {
  std::mt19937 random(1);
  for (int round = 0; round < 400; ++round) {
    const std::size_t rows = random() % 120, columns = 1 + random() % 4, batch_size = 1 + random() % 20;
    const Cells cells = random_cells(random, rows, columns, 1 + random() % 300);
    Source source = source_of(cells);
    const auto sampler = make("no_duplicates", source, {batch_size, 1, false, 9});
    const auto whole = make("no_duplicates", source, {batch_size, 1, true, 9});
    for (std::uint64_t epoch : {0u, 3u}) {
      Rows expected = walk(cells, permutation(rows, 9 + epoch), batch_size);
      EXPECT_EQ(draw(*sampler, epoch), expected) << "round " << round;
      std::erase_if(expected, [&](const auto& batch) { return batch.size() < batch_size; });
      EXPECT_EQ(draw(*whole, epoch), expected) << "round " << round;
    }
  }
}

// With a loss that needs two rows, those left alone stand in a batch that has none of their texts.
TEST(Samplers, NoDuplicatesPlacesWhatIsLeftAlone) {
  std::mt19937 random(2);
  for (int round = 0; round < 400; ++round) {
    const std::size_t rows = random() % 150, columns = 1 + random() % 3, batch_size = 2 + random() % 20;
    const Cells cells = random_cells(random, rows, columns, 1 + random() % 400);
    Source source = source_of(cells);
    const auto sampler = make("no_duplicates", source, {batch_size, 2, false, 4});
    const Rows walked = walk(cells, permutation(rows, 4), batch_size), drawn = draw(*sampler, 0);
    std::set<std::uint32_t> seen;
    for (const auto& batch : drawn) {
      EXPECT_GE(batch.size(), 2u);
      EXPECT_LE(batch.size(), batch_size);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        EXPECT_TRUE(seen.insert(batch[i]).second) << "twice";
        for (std::size_t k = 0; k < i; ++k) EXPECT_FALSE(share(cells[batch[i]], cells[batch[k]]));
      }
    }
    std::size_t of_walk = 0, batches = 0;
    for (const auto& batch : walked) {
      of_walk += batch.size() > 1 ? batch.size() : 0;
      batches += batch.size() > 1 ? 1 : 0;
    }
    EXPECT_GE(seen.size(), of_walk) << "round " << round;
    EXPECT_LE(drawn.size(), batches + 1) << "round " << round;
  }
}

TEST(Samplers, NoDuplicatesLeavesOutOnlyWhatStandsInEveryBatch) {
  for (std::size_t often : {20u, 50u, 51u, 60u, 300u}) {
    Cells cells = distinct(500);
    for (std::size_t i = 0; i < often; ++i) cells[i][1] = 10'000;
    Source source = source_of(cells);
    const auto sampler = make("no_duplicates", source, {10, 2, false, 1});
    for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
      std::set<std::uint32_t> seen;
      const Rows batches = draw(*sampler, epoch);
      for (const auto& batch : batches) {
        std::ptrdiff_t common = 0;
        for (const std::uint32_t row : batch) {
          seen.insert(row);
          common += row < often ? 1 : 0;
        }
        EXPECT_LE(common, 1);
      }
      if (often <= 50) {
        EXPECT_EQ(seen.size(), 500u);
      }
      if (seen.size() < 500) {
        EXPECT_EQ(500 - seen.size(), often - batches.size()) << often;
      }
      EXPECT_LE(batches.size(), 51u);
    }
  }
}

TEST(Samplers, NoDuplicatesSeesEveryRowWhereAFewTextsStandOften) {
  Cells cells = distinct(500);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i % 10 == 0) cells[i][1] = static_cast<std::uint32_t>(10'000 + i % 70);
  }
  Source source = source_of(cells);
  const auto sampler = make("no_duplicates", source, {64, 2, false, 1});
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    std::size_t seen = 0;
    for (const auto& batch : draw(*sampler, epoch)) seen += batch.size();
    EXPECT_EQ(seen, 500u);
  }
}

// In a blink: batch by batch among all rows that are left, these would take minutes.
TEST(Samplers, NoDuplicatesOfRowsThatAllShareATextTakesAsLongAsTheRows) {
  Cells cells = distinct(200'000);
  for (auto& row : cells) row[1] = 7'000'000;
  Source source = source_of(cells);
  EXPECT_EQ(make("no_duplicates", source, {32, 1, false, 1})->count(0, {}), 200'000u);
  EXPECT_EQ(make("no_duplicates", source, {32, 2, false, 1})->count(0, {}), 0u);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i][1] = static_cast<std::uint32_t>(7'000'000 + i % 3);
  source = source_of(cells);
  EXPECT_EQ(make("no_duplicates", source, {32, 2, false, 1})->count(0, {}), 66'667u);
}

TEST(Samplers, NoDuplicatesIsStopped) {
  Cells cells = distinct(1000);
  for (auto& row : cells) row[1] = 7'000'000;
  Source source = source_of(cells);
  Batches batches;
  EXPECT_FALSE(make("no_duplicates", source, {8, 1, false, 1})->draw(0, batches, [] { return true; }));
}

TEST(Samplers, GroupByLabelHasTwoOfTwoClassesInEveryBatch) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const std::size_t rows = 4 + random() % 200, batch_size = 4 + 2 * (random() % 10);
    const std::uint32_t classes = 2 + random() % 12;
    std::vector<float> labels(rows);
    for (float& label : labels) {
      label = static_cast<float>(random() % (random() % 2 == 0 ? classes : 2)) - 1.0f;
    }
    std::map<float, std::size_t> sizes;
    for (const float label : labels) ++sizes[label];
    std::vector<std::size_t> pairs;
    for (const auto& [label, size] : sizes) {
      if (size >= 2) pairs.push_back(size / 2);
    }
    const bool drop_last = random() % 2 == 0;
    Source source = source_of(distinct(rows, 1), labels);
    auto made = make_sampler("group_by_label", source, {batch_size, 1, drop_last, 8});
    if (pairs.size() < 2) {
      EXPECT_EQ(made.status().code, Code::kInvalidArgument);
      continue;
    }
    // As long as a second class has a pair left.
    std::ranges::sort(pairs, std::greater());
    std::size_t stream = 0;
    for (const std::size_t of_class : pairs) stream += 2 * std::min(of_class, pairs[1]);
    const std::size_t rest = stream % batch_size;

    std::set<Rows> orders;
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
      const Rows batches = draw(*made.value(), epoch);
      EXPECT_EQ(batches, draw(*made.value(), epoch));
      EXPECT_EQ(batches.size(), stream / batch_size + (!drop_last && rest >= 4 ? 1 : 0));
      std::set<std::uint32_t> seen;
      for (const auto& batch : batches) {
        std::map<float, std::size_t> of_class;
        for (const std::uint32_t row : batch) {
          EXPECT_TRUE(seen.insert(row).second);
          ++of_class[labels[row]];
        }
        EXPECT_GE(of_class.size(), 2u);
        for (const auto& [label, count] : of_class) EXPECT_GE(count, 2u);
      }
      orders.insert(batches);
    }
    if (stream >= 40 && stream >= batch_size) {
      EXPECT_EQ(orders.size(), 3u);
    }
  }
}

TEST(Samplers, NamesWhatCannotBe) {
  const auto message = [](std::string_view name, std::size_t batch_size, const std::vector<float>& labels,
                          std::size_t width = 1) {
    Source source = source_of(distinct(4), labels);
    source.labels.width = labels.empty() ? 0 : width;
    const auto made = make_sampler(name, source, {batch_size, 1, false, 1});
    EXPECT_EQ(made.status().code, Code::kInvalidArgument);
    return made.status().message;
  };
  EXPECT_NE(message("shuffled", 4, {}).find("shuffled"), std::string::npos);
  EXPECT_NE(message("group_by_label", 5, {1, 1, 2, 2}).find("received 5"), std::string::npos);
  EXPECT_NE(message("group_by_label", 2, {1, 1, 2, 2}).find("received 2"), std::string::npos);
  EXPECT_NE(message("group_by_label", 4, {}).find("received none"), std::string::npos);
  EXPECT_NE(message("group_by_label", 4, {1, 1, 2, 2, 1, 1, 2, 2}, 2).find("2 numbers a row"), std::string::npos);
  EXPECT_NE(message("group_by_label", 4, {1, 1, 1, 2}).find("received 1"), std::string::npos);
  EXPECT_NE(message("group_by_label", 4, {1, 2, 3, 4}).find("received 0"), std::string::npos);
  EXPECT_NE(message("group_by_label", 4, {1, 1, std::nanf(""), 2}).find("row 2"), std::string::npos);
  EXPECT_EQ(find_mixture("alternating"), nullptr);
}

TEST(Mixtures, ProportionalHasEveryBatchInARandomOrder) {
  MixSources* mix = find_mixture("proportional");
  const std::vector<std::size_t> batches = {40, 0, 10, 1};
  std::vector<std::uint32_t> first = mix(batches, 1, 0);
  EXPECT_EQ(first, mix(batches, 1, 0));
  EXPECT_NE(first, mix(batches, 1, 1));
  EXPECT_NE(first, mix(batches, 2, 0));
  EXPECT_FALSE(std::ranges::is_sorted(first));
  for (std::uint32_t source = 0; source < 4; ++source) {
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(first, source)), batches[source]);
  }
  EXPECT_TRUE(mix({}, 1, 0).empty());
}

TEST(Mixtures, RoundRobinTakesTurnsUntilTheFirstIsExhausted) {
  MixSources* mix = find_mixture("round_robin");
  EXPECT_EQ(mix(std::vector<std::size_t>{5, 2, 3}, 1, 0), (std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2}));
  EXPECT_TRUE(mix(std::vector<std::size_t>{5, 0}, 1, 0).empty());
}

}  // namespace
}  // namespace stillvec::training
