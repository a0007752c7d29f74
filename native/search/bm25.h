#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/buffer.h"
#include "runtime/shall_stop.h"
#include "runtime/status.h"
#include "search/hits.h"
#include "search/vocabulary.h"
#include "search/word_bags.h"

namespace stillvec {
class ThreadPool;
}

namespace stillvec::search {

// The variants that Kamphuis et al., "Which BM25 do you mean?" (ECIR 2020), compare.
enum class Bm25Method { kRobertson, kLucene, kAtire, kBm25L, kBm25Plus };

struct Bm25Settings {
  Bm25Method method = Bm25Method::kLucene;
  double k1 = 1.5;
  double b = 0.75;
  double delta = 0.5;  // of BM25L and BM25+
};

// For each word the documents that have it, ascending, and how often each does: word w has the postings
// [starts[w], starts[w + 1]). In memory that `keeper` keeps: its own, or a mapped file.
struct Postings {
  std::span<const std::uint64_t> starts;
  std::span<const std::uint32_t> documents, counts;
  std::shared_ptr<const void> keeper;
};

// Where the parts of an index lie in a file, in bytes from its beginning; little-endian, aligned to their values.
struct Bm25Layout {
  std::uint64_t words = 0, documents = 0, postings = 0, word_bytes = 0;  // how many
  std::uint64_t word_offsets_at = 0, starts_at = 0, documents_at = 0, counts_at = 0, lengths_at = 0, bytes_at = 0;
};

// Documents by their words, each with its share of the score worked out in advance, as bm25s does (Lù, "BM25S", 2024).
// Immutable: with() and without() make another one. Documents are numbered in the order in which they were added.
class Bm25 {
 public:
  // Without documents.
  explicit Bm25(const Bm25Settings& settings);
  // kCorrupt where the parts contradict each other.
  static Result<std::shared_ptr<const Bm25>> load(const Bm25Settings& settings, const std::string& path,
                                                  const Bm25Layout& layout, ThreadPool& pool);

  // With the texts of `bags` behind those that are here, fewer than 2^32 - 1 in all.
  std::shared_ptr<const Bm25> with(const WordBags& bags, ThreadPool& pool) const;
  // Without the documents that are marked, of which there is one mark each; those behind them move up.
  std::shared_ptr<const Bm25> without(const std::vector<bool>& removed, ThreadPool& pool) const;

  // The best k documents of each query: those that a word of it gives a share of the score. The score of a document is
  //   sum over the words of the query, repeated ones too, of idf(word) * tf(word, document).
  // Hits do not depend on the threads. Once `shall_stop` says so, what is given is of no use.
  Hits search(const WordBags& queries, std::size_t k, ThreadPool& pool, const ShallStop& shall_stop = {}) const;

  // The scores of all documents, with the bits that search() gives: out is queries x documents.
  void scores(const WordBags& queries, ThreadPool& pool, float* out, const ShallStop& shall_stop = {}) const;

  const Vocabulary& words() const { return words_; }
  const Postings& postings() const { return postings_; }
  std::span<const std::uint32_t> lengths() const { return lengths_; }

 private:
  void weigh(ThreadPool& pool);
  std::vector<std::uint32_t> ids_of(const WordBags& queries) const;
  void weigh_word(std::size_t word, double mean_length);

  Bm25Settings settings_;
  Vocabulary words_;
  Postings postings_;
  std::vector<std::uint32_t> lengths_;  // of the documents, in words
  Buffer<float> impacts_;               // of the postings: what each adds to the score of its document
  std::vector<float> most_;             // of the words: the greatest of its impacts
  std::vector<float> absent_;           // of the words: what one adds to the score of a document that has it not
};

}  // namespace stillvec::search
