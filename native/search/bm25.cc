#include "search/bm25.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "runtime/thread_pool.h"
#include "search/max_score.h"

namespace stillvec::search {
namespace {

// Words of a chunk of work on postings.
constexpr std::size_t kWordsPerChunk = 1024;

// The postings of an index that keeps them itself.
struct OwnPostings {
  std::vector<std::uint64_t> starts = {0};
  std::vector<std::uint32_t> documents, counts;
};

Postings share(const std::shared_ptr<const OwnPostings>& own) {
  return {own->starts, own->documents, own->counts, own};
}

template <typename Body>
void for_word_chunks(std::size_t words, ThreadPool& pool, const Body& body) {
  pool.parallel_for((words + kWordsPerChunk - 1) / kWordsPerChunk, [&](std::size_t chunk, unsigned) {
    body(chunk * kWordsPerChunk, std::min(words, (chunk + 1) * kWordsPerChunk));
  });
}

// log(1 + x), which is exact where few documents lack the word.
double inverse_document_frequency(Bm25Method method, double documents, double with_word) {
  switch (method) {
    case Bm25Method::kRobertson:  // never below 0
      return std::log1p(std::max(0.0, (documents - 2 * with_word) / (with_word + 0.5)));
    case Bm25Method::kLucene: return std::log1p((documents - with_word + 0.5) / (with_word + 0.5));
    case Bm25Method::kAtire: return std::log1p((documents - with_word) / with_word);
    case Bm25Method::kBm25L: return std::log1p((documents - with_word + 0.5) / (with_word + 0.5));
    case Bm25Method::kBm25Plus: return std::log1p((documents - with_word + 1) / with_word);
  }
  return 0;
}

// What a word that a document has `count` times weighs in it; `norm` is 1 for a document of mean length.
double term_frequency(const Bm25Settings& settings, double count, double norm) {
  const double k1 = settings.k1, delta = settings.delta;
  switch (settings.method) {
    case Bm25Method::kRobertson:
    case Bm25Method::kLucene: return count / (k1 * norm + count);
    case Bm25Method::kAtire: return count * (k1 + 1) / (k1 * norm + count);
    case Bm25Method::kBm25L: return (k1 + 1) * (count / norm + delta) / (k1 + count / norm + delta);
    case Bm25Method::kBm25Plus: return (k1 + 1) * count / (k1 * norm + count) + delta;
  }
  return 0;
}

// What a word that a document has not weighs in it.
double absent_frequency(const Bm25Settings& settings) {
  const double k1 = settings.k1, delta = settings.delta;
  if (settings.method == Bm25Method::kBm25Plus) return delta;
  if (settings.method == Bm25Method::kBm25L && delta > 0) return (k1 + 1) * delta / (k1 + delta);
  return 0;
}

// Puts the entries of `bags` behind the postings of each word. The texts are cut into parts, of which each has its
// place in the list of each word: so the lists are ascending however many parts there are.
class Inversion {
 public:
  Inversion(const WordBags& bags, std::span<const std::uint32_t> ids, std::size_t words, ThreadPool& pool)
      : bags_(bags), ids_(ids), words_(words), pool_(pool), heads_(std::min<std::size_t>(pool.size(), kMostParts)) {}

  // How many postings each word gets, added to `counts`.
  void count(std::vector<std::uint64_t>& counts) {
    for_parts([&](std::vector<std::uint64_t>& heads, std::size_t begin, std::size_t end) {
      heads.assign(words_, 0);
      for (std::size_t text = begin; text < end; ++text) {
        for (const WordBags::Entry& entry : bags_[text]) ++heads[ids_[entry.word]];
      }
    });
    for (const auto& heads : heads_) {
      for (std::size_t word = 0; word < words_; ++word) counts[word] += heads[word];
    }
  }

  // `at`: where the new postings of each word begin.
  void write(std::vector<std::uint64_t> at, std::uint32_t first_document, OwnPostings& out) {
    for (auto& heads : heads_) {
      for (std::size_t word = 0; word < words_; ++word) at[word] += std::exchange(heads[word], at[word]);
    }
    for_parts([&](std::vector<std::uint64_t>& heads, std::size_t begin, std::size_t end) {
      for (std::size_t text = begin; text < end; ++text) {
        for (const WordBags::Entry& entry : bags_[text]) {
          const std::uint64_t place = heads[ids_[entry.word]]++;
          out.documents[place] = first_document + static_cast<std::uint32_t>(text);
          out.counts[place] = entry.count;
        }
      }
    });
  }

 private:
  static constexpr std::size_t kMostParts = 16;  // each takes 8 bytes a word

  template <typename Body>
  void for_parts(const Body& body) {
    const std::size_t parts = heads_.size();
    pool_.parallel_for(parts, [&](std::size_t part, unsigned) {
      body(heads_[part], bags_.count() * part / parts, bags_.count() * (part + 1) / parts);
    });
  }

  const WordBags& bags_;
  std::span<const std::uint32_t> ids_;  // of the bags' words
  std::size_t words_;
  ThreadPool& pool_;
  std::vector<std::vector<std::uint64_t>>
      heads_;  // of each part and word: how many postings, then the place of the next
};

}  // namespace

Bm25::Bm25(const Bm25Settings& settings) : settings_(settings), postings_(share(std::make_shared<OwnPostings>())) {}

std::shared_ptr<const Bm25> Bm25::with(const WordBags& bags, ThreadPool& pool) const {
  auto next = std::make_shared<Bm25>(settings_);
  next->words_ = words_;
  std::vector<std::uint32_t> ids(bags.words().size());
  for (std::size_t word = 0; word < ids.size(); ++word) ids[word] = next->words_.add(bags.words()[word]);
  const std::size_t words = next->words_.size(), before = words_.size();

  std::vector<std::uint64_t> counts(words, 0);
  for (std::size_t word = 0; word < before; ++word) {
    counts[word] = postings_.starts[word + 1] - postings_.starts[word];
  }
  std::vector<std::uint64_t> at = counts;  // from the start of each word's list, so far
  Inversion inversion(bags, ids, words, pool);
  inversion.count(counts);

  auto own = std::make_shared<OwnPostings>();
  own->starts.resize(words + 1);
  std::partial_sum(counts.begin(), counts.end(), own->starts.begin() + 1);
  own->documents.resize(own->starts.back());
  own->counts.resize(own->starts.back());
  for (std::size_t word = 0; word < words; ++word) at[word] += own->starts[word];
  for_word_chunks(before, pool, [&](std::size_t begin, std::size_t end) {
    for (std::size_t word = begin; word < end; ++word) {
      const std::uint64_t from = postings_.starts[word], size = postings_.starts[word + 1] - from;
      std::copy_n(postings_.documents.begin() + from, size, own->documents.begin() + own->starts[word]);
      std::copy_n(postings_.counts.begin() + from, size, own->counts.begin() + own->starts[word]);
    }
  });
  inversion.write(std::move(at), static_cast<std::uint32_t>(lengths_.size()), *own);
  next->postings_ = share(own);
  next->lengths_ = lengths_;
  next->lengths_.insert(next->lengths_.end(), bags.lengths().begin(), bags.lengths().end());
  next->weigh(pool);
  return next;
}

std::shared_ptr<const Bm25> Bm25::without(const std::vector<bool>& removed, ThreadPool& pool) const {
  auto next = std::make_shared<Bm25>(settings_);
  std::vector<std::uint32_t> numbers(lengths_.size());
  for (std::size_t document = 0; document < numbers.size(); ++document) {
    numbers[document] = static_cast<std::uint32_t>(next->lengths_.size());
    if (!removed[document]) next->lengths_.push_back(lengths_[document]);
  }
  auto own = std::make_shared<OwnPostings>();
  for (std::size_t word = 0; word < words_.size(); ++word) {
    for (std::uint64_t i = postings_.starts[word]; i < postings_.starts[word + 1]; ++i) {
      const std::uint32_t document = postings_.documents[i];
      if (removed[document]) continue;
      own->documents.push_back(numbers[document]);
      own->counts.push_back(postings_.counts[i]);
    }
    if (own->documents.size() == own->starts.back()) continue;  // a word that no document has any more
    next->words_.add(words_[word]);
    own->starts.push_back(own->documents.size());
  }
  next->postings_ = share(own);
  next->weigh(pool);
  return next;
}

void Bm25::weigh(ThreadPool& pool) {
  const double words = static_cast<double>(std::accumulate(lengths_.begin(), lengths_.end(), std::uint64_t{0}));
  const double mean_length = lengths_.empty() ? 0 : words / static_cast<double>(lengths_.size());
  impacts_.reserve(postings_.documents.size());
  most_.assign(words_.size(), 0.0F);
  absent_.assign(words_.size(), 0.0F);
  for_word_chunks(words_.size(), pool, [&](std::size_t begin, std::size_t end) {
    for (std::size_t word = begin; word < end; ++word) weigh_word(word, mean_length);
  });
}

void Bm25::weigh_word(std::size_t word, double mean_length) {
  const std::uint64_t begin = postings_.starts[word], end = postings_.starts[word + 1];
  if (begin == end) return;
  const double idf = inverse_document_frequency(settings_.method, static_cast<double>(lengths_.size()),
                                                static_cast<double>(end - begin));
  const double absent = idf * absent_frequency(settings_);
  absent_[word] = static_cast<float>(absent);
  for (std::uint64_t i = begin; i < end; ++i) {
    const double norm = 1 - settings_.b + settings_.b * lengths_[postings_.documents[i]] / mean_length;
    impacts_[i] = static_cast<float>(idf * term_frequency(settings_, postings_.counts[i], norm) - absent);
    most_[word] = std::max(most_[word], impacts_[i]);
  }
}

// Of the queries' words, their numbers here.
std::vector<std::uint32_t> Bm25::ids_of(const WordBags& queries) const {
  std::vector<std::uint32_t> ids(queries.words().size());
  for (std::size_t word = 0; word < ids.size(); ++word) ids[word] = words_.find(queries.words()[word]);
  return ids;
}

void Bm25::scores(const WordBags& queries, ThreadPool& pool, float* out, const ShallStop& shall_stop) const {
  const std::vector<std::uint32_t> ids = ids_of(queries);
  pool.parallel_for(queries.count(), [&](std::size_t query, unsigned) {
    if (shall_stop && shall_stop()) return;
    float* row = out + query * lengths_.size();
    std::fill_n(row, lengths_.size(), 0.0F);
    float absent = 0;
    for (const auto& [word, count] : queries[query]) {
      const std::uint32_t id = ids[word];
      if (id == Vocabulary::kNone) continue;
      const auto weight = static_cast<float>(count);
      for (std::uint64_t i = postings_.starts[id]; i < postings_.starts[id + 1]; ++i) {
        row[postings_.documents[i]] += weight * impacts_[i];
      }
      absent += weight * absent_[id];
    }
    if (absent == 0) return;
    for (std::size_t document = 0; document < lengths_.size(); ++document) row[document] += absent;
  });
}

Hits Bm25::search(const WordBags& queries, std::size_t k, ThreadPool& pool, const ShallStop& shall_stop) const {
  const std::vector<std::uint32_t> ids = ids_of(queries);
  Hits hits(queries.count(), std::min(k, lengths_.size()));
  struct Scratch {
    MaxScore search;
    std::vector<QueryWord> words;
  };
  std::vector<Scratch> scratches(pool.size());
  const Impacts impacts = {lengths_.size(), postings_.documents.data(), impacts_.data()};
  pool.parallel_for(queries.count(), [&](std::size_t query, unsigned slot) {
    if (shall_stop && shall_stop()) return;
    auto& [search, words] = scratches[slot];
    words.clear();
    float absent = 0;
    for (const auto& [word, count] : queries[query]) {
      const std::uint32_t id = ids[word];
      if (id == Vocabulary::kNone) continue;
      const auto weight = static_cast<float>(count);
      words.push_back({postings_.starts[id], postings_.starts[id + 1], weight, most_[id]});
      absent += weight * absent_[id];
    }
    std::vector<Hit>& best = search.search(impacts, words, hits.k);
    for (Hit& hit : best) hit.score += absent;
    keep_best(best, query, hits);
  });
  return hits;
}

}  // namespace stillvec::search
