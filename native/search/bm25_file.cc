#include <algorithm>
#include <utility>
#include <vector>

#include "model/file.h"
#include "runtime/thread_pool.h"
#include "search/bm25.h"

namespace stillvec::search {
namespace {

Status corrupt(const char* what) { return {Code::kCorrupt, what}; }

// `count` values of a file from byte `at` on, which `keepers` keeps: mapped, or read where the system does not map.
template <typename T>
Result<std::span<const T>> map_values(const model::File& file, std::uint64_t at, std::uint64_t count,
                                      std::vector<std::shared_ptr<const void>>& keepers) {
  if (at % sizeof(T) != 0 || at > file.size() || count > (file.size() - at) / sizeof(T)) {
    return corrupt("the file ends before the index does");
  }
  if (count == 0) return std::span<const T>();
  auto range = std::make_shared<const model::MappedRange>(file.map(at, count * sizeof(T)));
  if (range->data() != nullptr) {
    keepers.push_back(range);
    return std::span(reinterpret_cast<const T*>(range->data()), count);
  }
  auto memory = std::make_shared<std::vector<T>>(count);
  const Status status = file.read(at, count * sizeof(T), reinterpret_cast<std::byte*>(memory->data()));
  if (!status.is_ok()) return status;
  keepers.push_back(memory);
  return std::span<const T>(*memory);
}

template <typename T>
bool rises_from_0_to(std::span<const T> values, std::uint64_t last) {
  return values.front() == 0 && values.back() == last && std::ranges::is_sorted(values);
}

// Every document is there, once a word, and is as long as the words that it has.
Status check_postings(const Postings& postings, std::span<const std::uint32_t> lengths) {
  std::vector<std::uint64_t> found(lengths.size(), 0);
  for (std::size_t word = 0; word + 1 < postings.starts.size(); ++word) {
    std::uint64_t least = 0;
    for (std::uint64_t i = postings.starts[word]; i < postings.starts[word + 1]; ++i) {
      const std::uint32_t document = postings.documents[i];
      if (document < least || document >= lengths.size()) return corrupt("a word's documents do not rise within them");
      if (postings.counts[i] == 0) return corrupt("a document has a word 0 times");
      found[document] += postings.counts[i];
      least = std::uint64_t{document} + 1;
    }
  }
  const bool fits = std::ranges::equal(found, lengths);
  return fits ? Status::ok() : corrupt("a document's length is not the number of its words");
}

}  // namespace

Result<std::shared_ptr<const Bm25>> Bm25::load(const Bm25Settings& settings, const std::string& path,
                                               const Bm25Layout& layout, ThreadPool& pool) {
  Result<model::File> opened = model::File::open(path);
  if (!opened.is_ok()) return opened.status();
  const model::File& file = opened.value();
  if (layout.words >= UINT32_MAX || layout.documents >= UINT32_MAX)
    return corrupt("more words or documents than can be");
  std::vector<std::shared_ptr<const void>> keepers, scratch;
  const auto word_offsets = map_values<std::uint64_t>(file, layout.word_offsets_at, layout.words + 1, scratch);
  if (!word_offsets.is_ok()) return word_offsets.status();
  const auto bytes = map_values<char>(file, layout.bytes_at, layout.word_bytes, scratch);
  if (!bytes.is_ok()) return bytes.status();
  const auto lengths = map_values<std::uint32_t>(file, layout.lengths_at, layout.documents, scratch);
  if (!lengths.is_ok()) return lengths.status();
  const auto starts = map_values<std::uint64_t>(file, layout.starts_at, layout.words + 1, keepers);
  if (!starts.is_ok()) return starts.status();
  const auto documents = map_values<std::uint32_t>(file, layout.documents_at, layout.postings, keepers);
  if (!documents.is_ok()) return documents.status();
  const auto counts = map_values<std::uint32_t>(file, layout.counts_at, layout.postings, keepers);
  if (!counts.is_ok()) return counts.status();

  if (!rises_from_0_to(word_offsets.value(), layout.word_bytes)) return corrupt("the words do not fill their bytes");
  if (!rises_from_0_to(starts.value(), layout.postings)) return corrupt("the words do not fill their postings");
  auto index = std::make_shared<Bm25>(settings);
  const std::string_view words(bytes.value().data(), bytes.value().size());
  for (std::size_t word = 0; word < layout.words; ++word) {
    const std::uint64_t begin = word_offsets.value()[word], size = word_offsets.value()[word + 1] - begin;
    if (index->words_.add(words.substr(begin, size)) != word) return corrupt("a word is there twice");
  }
  index->lengths_.assign(lengths.value().begin(), lengths.value().end());
  index->postings_ = {starts.value(), documents.value(), counts.value(),
                      std::make_shared<std::vector<std::shared_ptr<const void>>>(std::move(keepers))};
  const Status status = check_postings(index->postings_, index->lengths_);
  if (!status.is_ok()) return status;
  index->weigh(pool);
  return std::shared_ptr<const Bm25>(std::move(index));
}

}  // namespace stillvec::search
