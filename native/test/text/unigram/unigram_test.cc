#include "text/unigram/unigram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace stillvec::text {
namespace {

using Ids = std::vector<std::uint32_t>;

Ids tokenize(const WordModel& model, std::string_view piece) {
  Ids ids;
  model.tokenize(piece, *model.make_scratch(), ids);
  return ids;
}

TEST(Unigram, FindsTheMostProbableTokens) {
  std::mt19937 random(7);
  std::vector<std::string> vocabulary = {"<unk>", "a", "b"};
  std::vector<double> scores = {0.0, -3.0, -3.5};
  for (const char* token : {"ab", "ba", "aab", "bbb", "abab"}) {
    vocabulary.emplace_back(token);
    scores.push_back(-4.0 - 0.1 * static_cast<double>(random() % 20));
  }
  const WordModelPtr model = std::move(make_unigram(vocabulary, {scores, 0, false}).value());
  for (int round = 0; round < 500; ++round) {
    std::string piece;
    for (std::size_t size = 1 + random() % 12; size > 0; --size) piece.push_back(random() % 2 ? 'a' : 'b');
    // The best score of each beginning, by trying all last tokens.
    std::vector<double> best(piece.size() + 1, -std::numeric_limits<double>::infinity());
    best[0] = 0.0;
    for (std::size_t end = 1; end <= piece.size(); ++end) {
      for (std::size_t id = 1; id < vocabulary.size(); ++id) {
        const std::string& token = vocabulary[id];
        if (token.size() > end || piece.compare(end - token.size(), token.size(), token) != 0) continue;
        best[end] = std::max(best[end], best[end - token.size()] + scores[id]);
      }
    }
    std::string joined;
    double score = 0.0;
    for (const std::uint32_t id : tokenize(*model, piece)) {
      joined += vocabulary[id];
      score += scores[id];
    }
    ASSERT_EQ(joined, piece);
    ASSERT_NEAR(score, best.back(), 1e-9) << piece;
  }
}

TEST(Unigram, UnknownCharacters) {
  const std::vector<std::string> vocabulary = {"<unk>", "a", "<0xC3>", "<0xA9>"};
  const std::vector<double> scores = {0.0, -1.0, -2.0, -2.0};
  const WordModelPtr plain = std::move(make_unigram(vocabulary, {scores, 0, false}).value());
  EXPECT_EQ(tokenize(*plain, "xyaz"), (Ids{0, 1, 0})) << "those that touch are one";
  const WordModelPtr bytes = std::move(make_unigram(vocabulary, {scores, 0, true}).value());
  EXPECT_EQ(tokenize(*bytes, "a\u00e9"), (Ids{1, 2, 3}));
  EXPECT_EQ(tokenize(*bytes, "\u00e9x"), (Ids{0})) << "one byte has no token";
}

TEST(Unigram, Errors) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(make_unigram({"a"}, {{nan}, 0, false}).status().code, Code::kInvalidArgument);
  EXPECT_EQ(make_unigram({"a"}, {{}, 0, false}).status().code, Code::kInvalidArgument);
  EXPECT_EQ(make_unigram({"a"}, {{-1.0}, 1, false}).status().code, Code::kInvalidArgument);
  EXPECT_EQ(make_unigram({}, {{}, 0, false}).status().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace stillvec::text
