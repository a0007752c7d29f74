// The cached encoder against the exact one, on any bytes and with any settings of the normalizer; then the whole
// tokenizer, which must take whatever comes.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "test/text/samples.h"
#include "text/wordpiece/cached_bert.h"

namespace {

using namespace stillvec::text;

struct Subject {
  explicit Subject(std::optional<BertNormalizer> normalizer)
      : exact(model(), normalizer), cached(exact), scratch(std::make_unique<CachedBert::Scratch>()) {}

  static const WordPiece& model() {
    static const WordPiece shared = WordPiece::create(test::small_vocabulary(), {"[UNK]", "##", 20}).value();
    return shared;
  }

  ExactBert exact;
  CachedBert cached;
  std::unique_ptr<CachedBert::Scratch> scratch;
};

struct Whole {
  Whole() {
    test::BertConfig config;
    const char* contents[] = {"[SEP]", "[CLS]", " the", "\u00c9", "a "};
    for (std::uint32_t i = 0; i < 5; ++i) {
      config.added_tokens.push_back({contents[i], i, i % 2 == 0, i % 3 == 0, i % 3 == 1, i > 2, i < 2});
    }
    tokenizer = test::make_tokenizer(config).value();
    scratch = tokenizer->make_scratch();
  }

  std::shared_ptr<const Tokenizer> tokenizer;
  Tokenizer::ScratchPtr scratch;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto subjects = [] {
    std::vector<std::unique_ptr<Subject>> all;
    for (const auto& normalizer : test::normalizers()) all.push_back(std::make_unique<Subject>(normalizer));
    return all;
  }();
  static const Whole whole;
  if (size == 0) return 0;
  const Subject& subject = *subjects[data[0] % subjects.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  std::vector<std::uint32_t> fast, exact;
  std::u32string normalized;
  subject.cached.encode(text, *subject.scratch, fast);
  subject.exact.encode(text, normalized, exact);
  if (fast != exact) std::abort();

  fast.clear();
  whole.tokenizer->encode(text, *whole.scratch, fast);
  for (const std::uint32_t id : fast) {
    if (id >= whole.tokenizer->vocab_size()) std::abort();
  }
  return 0;
}
