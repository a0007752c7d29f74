#include "text/wordpiece/bert_pipeline.h"

#include <algorithm>
#include <utility>

#include "text/buffers.h"
#include "text/unicode/utf8.h"
#include "text/wordpiece/cached_bert.h"
#include "text/wordpiece/exact_bert.h"

namespace stillvec::text {
namespace {

struct BertScratch final : Pipeline::Scratch {
  CachedBert::Scratch cached;
  std::u32string code_points;  // of a text that is normalized
};

class BertPipeline final : public Pipeline {
 public:
  BertPipeline(WordPiece model, std::optional<BertNormalizer> normalizer, std::size_t vocab_size,
               std::size_t token_count)
      : vocab_size_(vocab_size),
        token_count_(token_count),
        model_(std::move(model)),
        raw_(model_, normalizer),
        cached_raw_(raw_),
        normalized_(model_, std::nullopt),
        cached_normalized_(normalized_) {}

  ScratchPtr make_scratch() const override { return std::make_unique<BertScratch>(); }

  void encode(std::string_view text, bool, Scratch& scratch, std::vector<std::uint32_t>& ids,
              std::size_t enough) const override {
    cached_raw_.encode(text, static_cast<BertScratch&>(scratch).cached, ids, enough);
  }

  void encode_normalized(std::string_view text, bool, Scratch& scratch, std::vector<std::uint32_t>& ids,
                         std::size_t enough) const override {
    cached_normalized_.encode(text, static_cast<BertScratch&>(scratch).cached, ids, enough);
  }

  void normalize(std::string_view text, Scratch& scratch, std::string& out) const override {
    std::u32string& code_points = static_cast<BertScratch&>(scratch).code_points;
    code_points.clear();
    text::normalize(raw_.normalizer(), text, code_points);
    out.clear();
    for (const char32_t c : code_points) utf8::append(c, out);
    release_if_large(code_points);
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const override { return model_.id_of(token); }
  std::size_t vocab_size() const override { return vocab_size_; }
  std::size_t token_count() const override { return token_count_; }

 private:
  std::size_t vocab_size_, token_count_;
  WordPiece model_;
  ExactBert raw_;
  CachedBert cached_raw_;
  ExactBert normalized_;
  CachedBert cached_normalized_;
};

}  // namespace

Result<std::unique_ptr<const Pipeline>> make_bert_pipeline(const std::vector<std::string>& vocabulary,
                                                           const WordPieceSettings& settings,
                                                           std::optional<BertNormalizer> normalizer) {
  auto model = WordPiece::create(vocabulary, settings);
  if (!model.is_ok()) return model.status();
  const auto is_token = [](const std::string& token) { return !token.empty(); };
  const auto tokens = static_cast<std::size_t>(std::count_if(vocabulary.begin(), vocabulary.end(), is_token));
  return std::unique_ptr<const Pipeline>(
      std::make_unique<BertPipeline>(std::move(model.value()), normalizer, vocabulary.size(), tokens));
}

}  // namespace stillvec::text
