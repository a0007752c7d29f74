#pragma once

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/pipeline_tokenizer.h"
#include "text/unicode/utf8.h"
#include "text/wordpiece/bert_pipeline.h"

namespace stillvec::text::test {

// A vocabulary in which most of what random_text() makes has tokens of its own, by characters and in longer pieces.
inline std::vector<std::string> small_vocabulary() {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
  const std::u32string singles =
      U"abcdefghijklmnopqrstuvwxyzABCDEXYZ0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
      U"\u00e9\u00c9\u00df\u00f1\u0130\u0131\u0301\u0307\u0323\u03b1\u03c3\u03c2\u0391\u0430\u0431\u0410\u05d0\u0627"
      U"\u0e01\u0e33\u1100\u1161\u11a8\uac00\u3042\u30ab\u4e00\u65e5\u672c\U00020000\u2019\u3002\u037e\u00a0\ufffd";
  for (const char32_t c : singles) {
    std::string token;
    utf8::append(c, token);
    tokens.push_back(token);
    tokens.push_back("##" + token);
  }
  for (const char* word : {"the", "##the", "The", "un", "##aff", "##able", "hello", "world", "##ing", "##ed", "don",
                           "\u65e5\u672c", "##\u0430\u0431", "\u03b1\u03c3\u03c2", "caf\u00e9", "cafe"}) {
    tokens.emplace_back(word);
  }
  return tokens;
}

// What makes a tokenizer of WordPiece.
struct BertConfig : TokenizerConfig {
  std::vector<std::string> vocabulary = small_vocabulary();
  WordPieceSettings model;
  std::optional<BertNormalizer> normalizer = BertNormalizer{};
};

inline Result<std::shared_ptr<const Tokenizer>> make_tokenizer(const BertConfig& config) {
  auto pipeline = make_bert_pipeline(config.vocabulary, config.model, config.normalizer);
  if (!pipeline.is_ok()) return pipeline.status();
  return PipelineTokenizer::create(std::move(pipeline.value()), config);
}

// Every setting of the normalizer, and none.
inline std::vector<std::optional<BertNormalizer>> normalizers() {
  std::vector<std::optional<BertNormalizer>> all = {std::nullopt};
  for (int flags = 0; flags < 8; ++flags) {
    for (const std::optional<bool> strip : {std::optional<bool>(), std::optional(false), std::optional(true)}) {
      all.push_back(BertNormalizer{(flags & 1) != 0, (flags & 2) != 0, strip, (flags & 4) != 0});
    }
  }
  return all;
}

// Words, separators, traps, code points of every plane and broken UTF-8, up to `parts` of them.
inline std::string random_text(std::mt19937& random, std::size_t parts) {
  static constexpr std::string_view kParts[] = {" ",
                                                " ",
                                                "  ",
                                                "\n",
                                                "\t",
                                                "\r\n",
                                                ".",
                                                ",",
                                                "the",
                                                "The",
                                                "THE",
                                                "hello",
                                                "unaffable",
                                                "worlding",
                                                "x",
                                                "Zz",
                                                "caf\u00e9",
                                                "cafe\u0301",
                                                "\u00c9",
                                                "\u0130",
                                                "\u03a3",
                                                "\u0391\u03a3",
                                                "\u00df",
                                                "\u0430\u0431\u0410",
                                                "\u65e5\u672c",
                                                "\u3042\u30ab",
                                                "\uac00\uac01",
                                                "\U00020000",
                                                "\U0002b820",
                                                "\uf900",
                                                "\u0e01\u0e33",
                                                "\u2019",
                                                "\u3002",
                                                "\u00a0",
                                                "\u0085",
                                                "\u200d",
                                                "\u00ad",
                                                "\ufeff",
                                                "\ufffd",
                                                "\u037e",
                                                "\u2260",
                                                "\u0323\u0301",
                                                "\u0301\u0323",
                                                "\u0898",
                                                "[SEP]",
                                                "[sep]",
                                                "\x7f",
                                                "\x0b",
                                                "\x1f",
                                                "\xff",
                                                "\xc3",
                                                "\xe2\x82",
                                                "\xf0\x9f",
                                                "\xed\xa0\x80",
                                                "don\u2019t",
                                                "0123456789"};
  constexpr std::size_t kCount = sizeof kParts / sizeof *kParts;
  std::string text;
  for (std::size_t i = random() % (parts + 1); i > 0; --i) {
    switch (random() % 16) {
      case 0: utf8::append(random() % 0x3000, text); break;
      case 1: utf8::append(random() % 0xd800, text); break;
      case 2: utf8::append(0xe000 + random() % (0x110000 - 0xe000), text); break;
      case 3: text.push_back('\0'); break;
      default: text += kParts[random() % kCount]; break;
    }
  }
  return text;
}

}  // namespace stillvec::text::test
