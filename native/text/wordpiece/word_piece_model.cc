#include "text/wordpiece/word_piece_model.h"

#include <algorithm>
#include <utility>

#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

struct CodePoints final : WordModel::Scratch {
  std::u32string code_points;
};

class WordPieceModel final : public WordModel {
 public:
  WordPieceModel(WordPiece model, std::size_t vocab_size, std::size_t token_count)
      : model_(std::move(model)), vocab_size_(vocab_size), token_count_(token_count) {}

  ScratchPtr make_scratch() const override { return std::make_unique<CodePoints>(); }

  void tokenize(std::string_view piece, Scratch& scratch, std::vector<std::uint32_t>& ids) const override {
    std::u32string& code_points = static_cast<CodePoints&>(scratch).code_points;
    code_points.clear();
    const std::uint8_t* const end = utf8::bytes(piece) + piece.size();
    for (const std::uint8_t* at = utf8::bytes(piece); at < end;) {
      const utf8::Decoded next = utf8::decode(at, end);
      code_points.push_back(next.code_point);
      at += next.size;
    }
    model_.tokenize(std::span<const char32_t>(code_points), ids);
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const override { return model_.id_of(token); }
  std::size_t vocab_size() const override { return vocab_size_; }
  std::size_t token_count() const override { return token_count_; }

 private:
  WordPiece model_;
  std::size_t vocab_size_, token_count_;
};

}  // namespace

Result<WordModelPtr> make_word_piece(const std::vector<std::string>& vocabulary, const WordPieceSettings& settings) {
  auto model = WordPiece::create(vocabulary, settings);
  if (!model.is_ok()) return model.status();
  const auto is_token = [](const std::string& token) { return !token.empty(); };
  const auto tokens = static_cast<std::size_t>(std::count_if(vocabulary.begin(), vocabulary.end(), is_token));
  return WordModelPtr(std::make_unique<WordPieceModel>(std::move(model.value()), vocabulary.size(), tokens));
}

}  // namespace stillvec::text
