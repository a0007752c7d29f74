#include "text/wordlevel/word_level.h"

#include <utility>

#include "text/token_ids.h"

namespace stillvec::text {
namespace {

class WordLevel final : public WordModel {
 public:
  WordLevel(TokenIds ids, std::uint32_t unk_id) : ids_(std::move(ids)), unk_id_(unk_id) {}

  void tokenize(std::string_view piece, Scratch&, std::vector<std::uint32_t>& ids) const override {
    ids.push_back(ids_.find(piece).value_or(unk_id_));
  }

  std::optional<std::uint32_t> id_of(std::string_view token) const override { return ids_.find(token); }
  std::size_t vocab_size() const override { return ids_.size(); }
  std::size_t token_count() const override { return ids_.count(); }

 private:
  TokenIds ids_;
  std::uint32_t unk_id_;
};

}  // namespace

Result<WordModelPtr> make_word_level(const std::vector<std::string>& vocabulary, const std::string& unk_token) {
  TokenIds ids(vocabulary);
  const std::optional<std::uint32_t> unk_id = ids.find(unk_token);
  if (!unk_id) {
    return Status{Code::kInvalidArgument, "model.unk_token: " + unk_token + " is not in the vocabulary"};
  }
  return WordModelPtr(std::make_unique<WordLevel>(std::move(ids), *unk_id));
}

}  // namespace stillvec::text
