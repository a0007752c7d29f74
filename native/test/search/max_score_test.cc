#include "search/max_score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>
#include <vector>

namespace stillvec::search {
namespace {

// More documents than a block has, and words that all, many, few and no documents have.
class Corpus {
 public:
  Corpus(std::size_t documents, unsigned seed) : documents_(documents), random_(seed) {}

  QueryWord add_word(double share, float weight, float most) {
    QueryWord word{document_.size(), 0, weight, 0.0F};
    std::bernoulli_distribution has(share);
    std::uniform_real_distribution<float> impact(0.0F, most);
    for (std::uint32_t document = 0; document < documents_; ++document) {
      if (!has(random_)) continue;
      document_.push_back(document);
      // Few values, so that scores are often equal.
      impact_.push_back(std::ceil(impact(random_) * 4) / 4);
      word.most = std::max(word.most, impact_.back());
    }
    word.end = document_.size();
    return word;
  }

  Impacts impacts() const { return {documents_, document_.data(), impact_.data()}; }

  std::vector<Hit> best(const std::vector<QueryWord>& words, std::size_t k) const {
    std::vector<float> scores(documents_, 0.0F);
    for (const QueryWord& word : words) {
      for (std::uint64_t i = word.begin; i < word.end; ++i) scores[document_[i]] += word.weight * impact_[i];
    }
    std::vector<Hit> hits;
    for (std::uint32_t document = 0; document < documents_; ++document) {
      if (scores[document] > 0) hits.push_back({scores[document], document});
    }
    std::sort(hits.begin(), hits.end(), better);
    hits.resize(std::min(hits.size(), k));
    return hits;
  }

 private:
  std::size_t documents_;
  std::mt19937 random_;
  std::vector<std::uint32_t> document_;
  std::vector<float> impact_;
};

void expect_best(MaxScore& search, const Corpus& corpus, const std::vector<QueryWord>& words, std::size_t k) {
  std::vector<Hit> found = search.search(corpus.impacts(), words, k);
  std::sort(found.begin(), found.end(), better);
  const std::vector<Hit> expected = corpus.best(words, k);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].index, expected[i].index) << "hit " << i;
    EXPECT_EQ(found[i].score, expected[i].score) << "hit " << i;
  }
}

TEST(MaxScore, FindsTheBestOfAllDocuments) {
  constexpr std::size_t kDocuments = 100'003;
  MaxScore search;  // one for all, as a thread has
  std::mt19937 random(1);
  const double shares[] = {0.9, 0.3, 0.05, 0.002, 0.00005, 0.0};
  for (unsigned round = 0; round < 20; ++round) {
    Corpus corpus(kDocuments, round);
    std::vector<QueryWord> words(1 + random() % 8);
    for (QueryWord& word : words) {
      const double share = shares[random() % std::size(shares)];
      // The rarer, the more it adds, as idf has it; now and then not.
      const float most = random() % 4 == 0 ? 8.0F : static_cast<float>(1.0 / (share + 0.05));
      word = corpus.add_word(share, static_cast<float>(1 + random() % 3), most);
    }
    for (const std::size_t k : {1, 2, 10, 1000}) expect_best(search, corpus, words, k);
  }
}

TEST(MaxScore, PrefersTheEarlierOfEqualDocuments) {
  Corpus corpus(200'000, 1);
  MaxScore search;
  const std::vector<QueryWord> words = {corpus.add_word(0.5, 1.0F, 0.25F), corpus.add_word(0.001, 1.0F, 0.25F),
                                        corpus.add_word(0.5, 1.0F, 0.05F)};
  for (const std::size_t k : {1, 7, 500}) expect_best(search, corpus, words, k);
}

TEST(MaxScore, FindsNothingWhereNothingIs) {
  Corpus corpus(1000, 1);
  MaxScore search;
  const QueryWord absent = corpus.add_word(0.0, 1.0F, 1.0F), present = corpus.add_word(0.5, 1.0F, 1.0F);
  EXPECT_TRUE(search.search(corpus.impacts(), {}, 10).empty());
  EXPECT_TRUE(search.search(corpus.impacts(), std::vector{absent}, 10).empty());
  EXPECT_TRUE(search.search(corpus.impacts(), std::vector{present}, 0).empty());
  EXPECT_TRUE(search.search({}, {}, 10).empty());
}

TEST(MaxScore, LeavesOutDocumentsWithoutAShare) {
  // As words of an idf of 0 have.
  const std::vector<std::uint32_t> documents = {0, 3, 5};
  const std::vector<float> impacts = {0.0F, 0.5F, 0.0F};
  MaxScore search;
  const std::vector<Hit>& found =
      search.search({6, documents.data(), impacts.data()}, std::vector<QueryWord>{{0, 3, 1.0F, 0.5F}}, 10);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].index, 3U);
}

}  // namespace
}  // namespace stillvec::search
