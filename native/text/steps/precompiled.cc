#include "text/steps/precompiled.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// Longer graphemes are mapped character by character.
constexpr std::size_t kLongestGrapheme = 5;

class Precompiled final : public Normalizer {
 public:
  Precompiled(std::vector<std::uint32_t> units, std::string strings)
      : units_(std::move(units)), strings_(std::move(strings)) {
    for (std::size_t c = 0; c < is_plain_.size(); ++c) {
      const char character = static_cast<char>(c);
      is_plain_[c] = c != '\r' && !find(std::string_view(&character, 1));
    }
  }

  void apply(std::string_view text, std::string& out) const override {
    while (!text.empty()) {
      // ASCII that is not mapped, as far as the character after it is ASCII, too, and does not join it.
      std::size_t plain = 0;
      while (plain < text.size() && is_plain(text[plain]) &&
             !(plain + 1 < text.size() && static_cast<std::uint8_t>(text[plain + 1]) >= 0x80))
        ++plain;
      out += text.substr(0, plain);
      text.remove_prefix(plain);
      if (text.empty()) break;
      const std::string_view grapheme = text.substr(0, grapheme_size(text));
      text.remove_prefix(grapheme.size());
      if (grapheme.size() <= kLongestGrapheme) {
        if (const auto mapped = find(grapheme)) {
          out += *mapped;
          continue;
        }
      }
      for (std::size_t at = 0; at < grapheme.size();) {
        const std::size_t size = utf8::decode(utf8::bytes(grapheme) + at, utf8::bytes(grapheme) + grapheme.size()).size;
        const std::string_view character = grapheme.substr(at, size);
        out += find(character).value_or(character);
        at += size;
      }
    }
  }

 private:
  // Bytes of the first extended grapheme cluster (UAX #29), as far as short ones go: Hangul, flags and what emoji join
  // are longer, and no character that joins what follows it is mapped.
  static std::size_t grapheme_size(std::string_view text) {
    if (text.starts_with("\r\n")) return 2;
    const std::uint8_t* const begin = utf8::bytes(text);
    const std::uint8_t* const end = begin + text.size();
    const utf8::Decoded first = utf8::decode(begin, end);
    const std::uint8_t* at = begin + first.size;
    const bool is_alone = first.code_point == 0 || first.code_point == U'\r' || unicode::is_alone(first.code_point);
    while (!is_alone && at < end) {
      const utf8::Decoded next = utf8::decode(at, end);
      if (!unicode::is_extending(next.code_point)) break;
      at += next.size;
    }
    return static_cast<std::size_t>(at - begin);
  }

  // What the shortest key that `text` begins with stands for, which takes the place of all of `text` as in the
  // reference.
  std::optional<std::string_view> find(std::string_view text) const {
    constexpr std::uint32_t kLabel = 1u << 31 | 0xff, kLeaf = 1u << 8, kValue = ~(1u << 31);
    const auto children = [](std::size_t at, std::uint32_t unit) { return at ^ unit >> 10 << ((unit & 1u << 9) >> 6); };
    std::size_t at = children(0, units_[0]);
    for (const char c : text) {
      const auto byte = static_cast<std::uint8_t>(c);
      at ^= byte;
      if (byte == 0 || at >= units_.size() || (units_[at] & kLabel) != byte) return std::nullopt;
      const bool is_leaf = (units_[at] & kLeaf) != 0;
      at = children(at, units_[at]);
      if (!is_leaf) continue;
      if (at >= units_.size() || (units_[at] & kValue) > strings_.size()) return std::nullopt;
      const std::string_view rest = std::string_view(strings_).substr(units_[at] & kValue);
      return rest.substr(0, rest.find('\0'));
    }
    return std::nullopt;
  }

  bool is_plain(char c) const {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte < is_plain_.size() && is_plain_[byte];
  }

  std::vector<std::uint32_t> units_;
  std::string strings_;
  std::array<bool, 128> is_plain_ = {};
};

}  // namespace

Result<NormalizerPtr> precompiled(const std::vector<std::uint8_t>& charsmap) {
  const auto read = [&](std::size_t at) {
    return charsmap[at] | std::uint32_t{charsmap[at + 1]} << 8 | std::uint32_t{charsmap[at + 2]} << 16 |
           std::uint32_t{charsmap[at + 3]} << 24;
  };
  constexpr std::size_t kUnit = sizeof(std::uint32_t);
  const std::size_t bytes = charsmap.size() < kUnit ? 0 : read(0);
  if (bytes == 0 || bytes % kUnit != 0 || bytes > charsmap.size() - kUnit) {
    return Status{Code::kInvalidArgument, "precompiled_charsmap: expected a whole double array"};
  }
  std::vector<std::uint32_t> units;
  units.reserve(bytes / kUnit);
  for (std::size_t at = kUnit; at < kUnit + bytes; at += kUnit) units.push_back(read(at));
  std::string strings(charsmap.begin() + static_cast<std::ptrdiff_t>(kUnit + bytes), charsmap.end());
  return NormalizerPtr(std::make_unique<Precompiled>(std::move(units), std::move(strings)));
}

}  // namespace stillvec::text
