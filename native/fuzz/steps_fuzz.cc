// Any text through any steps and any model, as the first bytes choose them; the ids must be those of a vocabulary, the
// same with an empty cache as with a full one. And any regular expression over what follows.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe/bpe.h"
#include "text/steps/byte_level.h"
#include "text/steps/metaspace.h"
#include "text/steps/normalizers.h"
#include "text/steps/splits.h"
#include "text/steps/steps_pipeline.h"
#include "text/unigram/unigram.h"
#include "text/wordlevel/word_level.h"

namespace {

using namespace stillvec::text;

constexpr std::size_t kNormalizers = 10, kPreTokenizers = 12, kModels = 3;

NormalizerPtr normalizer(std::uint8_t choice) {
  switch (choice % kNormalizers) {
    case 0: return normal_form(unicode::NormalForm::kNfc);
    case 1: return normal_form(unicode::NormalForm::kNfkd);
    case 2: return lowercase();
    case 3: return nmt();
    case 4: return prepend("_");
    case 5: return replace(std::move(regex_pattern(" {2,}|\\p{M}").value()), " ");
    case 6: return strip(true, true);
    case 7: return strip_accents();
    case 8: return bert_normalizer({});
    default: return byte_level_normalizer();
  }
}

PreTokenizerPtr pre_tokenizer(std::uint8_t choice) {
  const auto behavior = static_cast<SplitBehavior>(choice / kPreTokenizers % 5);
  switch (choice % kPreTokenizers) {
    case 0: return bert_pre_tokenizer();
    case 1: return byte_level_alphabet();
    case 2: return byte_level_prefix();
    case 3: return byte_level_words();
    case 4: return metaspace("\u2581", PrependScheme::kAlways, choice % 2 == 0);
    case 5: return split_at(literal_pattern("a"), behavior, choice % 2 == 0);
    case 6: return split_at_character(U'\u3000');
    case 7: return split_digits(choice % 2 == 0);
    case 8: return split_at_punctuation(behavior);
    case 9: return split_at_spaces();
    case 10: return split_words();
    default: return split_after(1 + choice % 7);
  }
}

const std::vector<std::string>& vocabulary() {
  static const std::vector<std::string> tokens = {"<unk>", "a", "b", "ab",     "\u00c3", "\u00a9", "\u2581", "\u2581a",
                                                  " ",     "1", "_", "<0xC3>", "<0xA9>", "",       "aab"};
  return tokens;
}

WordModelPtr model(std::uint8_t choice) {
  switch (choice % kModels) {
    case 0: {
      BpeSettings settings;
      settings.merges = {{1, 2, 3}, {6, 1, 7}, {1, 3, 14}};
      if (choice & 16) settings.unk_token = "<unk>";
      if (choice & 32) settings.end_of_word_suffix = "b";
      settings.byte_fallback = (choice & 64) != 0;
      settings.fuse_unk = (choice & 128) != 0;
      return std::move(make_bpe(vocabulary(), settings).value());
    }
    case 1: {
      UnigramSettings settings;
      for (std::size_t id = 0; id < vocabulary().size(); ++id)
        settings.scores.push_back(-1.0 - static_cast<double>(id % 4));
      settings.byte_fallback = (choice & 64) != 0;
      return std::move(make_unigram(vocabulary(), settings).value());
    }
    default: return std::move(make_word_level(vocabulary(), "<unk>").value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kChoices = 6;
  if (size < kChoices) return 0;
  std::vector<NormalizerPtr> normalizers;
  if (data[1] & 128) normalizers.push_back(normalizer(data[1]));
  if (data[2] & 128) normalizers.push_back(normalizer(data[2]));
  std::vector<PreTokenizerPtr> pre_tokenizers;
  if (data[3] & 128) pre_tokenizers.push_back(pre_tokenizer(data[3]));
  if (data[4] & 128) pre_tokenizers.push_back(pre_tokenizer(data[4]));
  const auto pipeline = make_steps_pipeline(std::move(normalizers), std::move(pre_tokenizers), model(data[5]));
  const std::string_view text(reinterpret_cast<const char*>(data) + kChoices, size - kChoices);

  const auto scratch = pipeline->make_scratch();
  std::vector<std::uint32_t> first, again;
  pipeline->encode(text, true, *scratch, first, SIZE_MAX);
  pipeline->encode(text, true, *scratch, again, SIZE_MAX);
  if (first != again) std::abort();
  for (const std::uint32_t id : first) {
    if (id >= pipeline->vocab_size()) std::abort();
  }

  constexpr std::size_t kLongestRegex = 24;
  const std::size_t length = data[0] % kLongestRegex;
  if (text.size() < length || text.size() > 64) return 0;
  const auto pattern = regex_pattern(text.substr(0, length));
  if (!pattern.is_ok()) return 0;
  const std::string_view searched = text.substr(length);
  std::size_t done = 0;
  pattern.value()->for_each_match(searched, [&](Match match) {
    if (match.begin < done || match.end < match.begin || match.end > searched.size()) std::abort();
    done = match.end;
  });
  return 0;
}
