#include "text/steps/normalizers.h"

#include <utility>

#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// A step made of a function.
template <typename Apply>
class FunctionNormalizer final : public Normalizer {
 public:
  explicit FunctionNormalizer(Apply apply) : apply_(std::move(apply)) {}
  void apply(std::string_view text, std::string& out) const override { apply_(text, out); }

 private:
  Apply apply_;
};

template <typename Apply>
NormalizerPtr made_of(Apply apply) {
  return std::make_unique<FunctionNormalizer<Apply>>(std::move(apply));
}

// Calls take_ascii with the runs of ASCII and take with the other characters, in order.
template <typename TakeAscii, typename Take>
void for_each_character(std::string_view text, const TakeAscii& take_ascii, const Take& take) {
  const std::uint8_t* const begin = utf8::bytes(text);
  const std::uint8_t* const end = begin + text.size();
  for (const std::uint8_t* at = begin; at < end;) {
    if (const std::size_t run = utf8::ascii_run(at, end); run > 0) {
      take_ascii(text.substr(static_cast<std::size_t>(at - begin), run));
      at += run;
      continue;
    }
    const utf8::Decoded next = utf8::decode(at, end);
    take(next.code_point);
    at += next.size;
  }
}

bool is_nmt_removed(char32_t c) {
  return (c >= 0x1 && c <= 0x8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
}

bool is_nmt_space(char32_t c) {
  return c == 0x9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 || (c >= 0x200b && c <= 0x200f) || c == 0x2028 ||
         c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
}

bool is_space(char32_t c) { return (unicode::properties(c) & unicode::kSpace) != 0; }

}  // namespace

NormalizerPtr normal_form(unicode::NormalForm form) {
  return made_of([form](std::string_view text, std::string& out) { unicode::append_normal_form(form, text, out); });
}

NormalizerPtr bert_normalizer(const BertNormalizer& options) {
  return made_of([options](std::string_view text, std::string& out) {
    std::u32string code_points;
    normalize(options, text, code_points);
    for (const char32_t c : code_points) utf8::append(c, out);
  });
}

NormalizerPtr lowercase() {
  return made_of([](std::string_view text, std::string& out) {
    const auto lower_ascii = [&](std::string_view run) {
      const std::size_t size = out.size();
      out += run;
      for (std::size_t i = size; i < out.size(); ++i) {
        const char c = out[i];
        out[i] = static_cast<char>(c | (c >= 'A' && c <= 'Z' ? 0x20 : 0));
      }
    };
    for_each_character(text, lower_ascii, [&](char32_t c) {
      constexpr char32_t kCapitalIWithDot = 0x130;  // the one code point whose lower case is two
      if (c == kCapitalIWithDot) {
        out += "i\u0307";
      } else {
        utf8::append(unicode::lowercase(c), out);
      }
    });
  });
}

NormalizerPtr nmt() {
  return made_of([](std::string_view text, std::string& out) {
    const auto take = [&](char32_t c) {
      if (!is_nmt_removed(c)) utf8::append(is_nmt_space(c) ? U' ' : c, out);
    };
    for_each_character(
        text,
        [&](std::string_view run) {
          for (const char c : run) take(static_cast<char32_t>(c));
        },
        take);
  });
}

NormalizerPtr prepend(std::string prefix) {
  return made_of([prefix = std::move(prefix)](std::string_view text, std::string& out) {
    if (text.empty()) return;
    out += prefix;
    out += text;
  });
}

NormalizerPtr replace(PatternPtr pattern, std::string content) {
  return made_of([pattern = std::shared_ptr<const Pattern>(std::move(pattern)), content = std::move(content)](
                     std::string_view text, std::string& out) {
    std::size_t done = 0;
    pattern->for_each_match(text, [&](Match match) {
      out += text.substr(done, match.begin - done);
      out += content;
      done = match.end;
    });
    out += text.substr(done);
  });
}

NormalizerPtr strip(bool left, bool right) {
  return made_of([left, right](std::string_view text, std::string& out) {
    const std::uint8_t* begin = utf8::bytes(text);
    const std::uint8_t* end = begin + text.size();
    while (left && begin < end) {
      const utf8::Decoded next = utf8::decode(begin, end);
      if (!is_space(next.code_point)) break;
      begin += next.size;
    }
    while (right && begin < end) {
      const utf8::Decoded last = utf8::decode_before(begin, end);
      if (!is_space(last.code_point)) break;
      end -= last.size;
    }
    out.append(reinterpret_cast<const char*>(begin), static_cast<std::size_t>(end - begin));
  });
}

NormalizerPtr strip_accents() {
  return made_of([](std::string_view text, std::string& out) {
    for_each_character(
        text, [&](std::string_view run) { out += run; },
        [&](char32_t c) {
          if (!(unicode::properties(c) & unicode::kAccent)) utf8::append(c, out);
        });
  });
}

}  // namespace stillvec::text
