#include "text/steps/byte_level.h"

#include <array>
#include <cstdint>
#include <utility>

#include "text/steps/splits.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// The character of each byte, in UTF-8.
const std::array<std::string, 256>& alphabet() {
  static const std::array<std::string, 256> characters = [] {
    std::array<std::string, 256> all;
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < all.size(); ++byte) {
      const bool prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
      utf8::append(prints ? byte : next++, all[byte]);
    }
    return all;
  }();
  return characters;
}

class ByteLevelNormalizer final : public Normalizer {
 public:
  void apply(std::string_view text, std::string& out) const override {
    for (const std::uint8_t byte : text) out += alphabet_[byte];
  }

 private:
  const std::array<std::string, 256>& alphabet_ = alphabet();
};

class ByteLevelAlphabet final : public PreTokenizer {
 public:
  void split(std::string_view piece, bool, Pieces& out) const override {
    std::string characters;
    for (const std::uint8_t byte : piece) characters += alphabet_[byte];
    out.add_changed(std::move(characters));
  }
  bool is_whole() const override { return true; }

 private:
  const std::array<std::string, 256>& alphabet_ = alphabet();
};

class ByteLevelPrefix final : public PreTokenizer {
 public:
  void split(std::string_view piece, bool, Pieces& out) const override {
    if (piece.starts_with(' ')) return out.add(piece);
    out.add_changed(std::string(" ").append(piece));
  }
};

}  // namespace

NormalizerPtr byte_level_normalizer() { return std::make_unique<ByteLevelNormalizer>(); }
PreTokenizerPtr byte_level_alphabet() { return std::make_unique<ByteLevelAlphabet>(); }
PreTokenizerPtr byte_level_prefix() { return std::make_unique<ByteLevelPrefix>(); }

PreTokenizerPtr byte_level_words() {
  auto words = regex_pattern(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
  return split_at(std::move(words.value()), SplitBehavior::kIsolated, false);
}

}  // namespace stillvec::text
