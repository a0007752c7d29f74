#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/status.h"
#include "text/added_tokens.h"
#include "text/pipeline.h"
#include "text/tokenizer.h"

namespace stillvec::text {

struct Truncation {
  std::size_t max_length = 512;
  bool from_left = false;  // "direction": "Left" keeps the last ids
};

// Which tokens of a text are given out. Applied after the truncation, in this order.
struct TokenSelection {
  std::size_t max_code_points = SIZE_MAX;   // what is read of a text
  std::optional<std::uint32_t> dropped_id;  // left out
  std::size_t max_tokens = SIZE_MAX;        // the first of those that are left
};

// What a tokenizer.json says around its pipeline, parsed by the caller.
struct TokenizerConfig {
  std::vector<AddedToken> added_tokens;
  std::optional<Truncation> truncation;
  std::optional<TokenSelection> selection;  // absent: all tokens
};

// Text -> token ids, exactly as Hugging Face's `tokenizers` gives them with a pipeline and added tokens, without
// special tokens and without padding; of these, the selected ones.
class PipelineTokenizer final : public Tokenizer {
 public:
  // kInvalidArgument, naming the field, when the config contradicts itself (two added tokens with one text, ...).
  static Result<std::shared_ptr<const Tokenizer>> create(std::unique_ptr<const Pipeline> pipeline,
                                                         const TokenizerConfig& config);

  ScratchPtr make_scratch() const override;
  void encode(std::string_view text, Scratch& scratch, std::vector<std::uint32_t>& ids) const override;
  std::size_t vocab_size() const override { return vocab_size_; }

 private:
  PipelineTokenizer(std::unique_ptr<const Pipeline> pipeline, const TokenizerConfig& config);

  std::unique_ptr<const Pipeline> pipeline_;
  std::optional<Truncation> truncation_;
  std::optional<TokenSelection> selection_;
  std::size_t vocab_size_;
  AddedTokens raw_tokens_;         // looked for in the text as it came
  AddedTokens normalized_tokens_;  // looked for in the normalized text between those
};

}  // namespace stillvec::text
