#include "text/wordpiece/bert_normalizer.h"

#include <algorithm>

#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// Hangul syllables decompose by arithmetic (Unicode 15, section 3.12).
constexpr char32_t kSyllableBase = 0xac00, kSyllables = 11172;
constexpr char32_t kLeadBase = 0x1100, kVowelBase = 0x1161, kTrailBase = 0x11a7;
constexpr char32_t kTrails = 28, kVowelsByTrails = 588;

constexpr char32_t kCapitalIWithDot = 0x130;  // the one code point whose lower case is two
constexpr char32_t kCombiningDotAbove = 0x307;

class Pipeline {
 public:
  Pipeline(const BertNormalizer& options, std::u32string& out)
      : clean_(options.clean_text),
        isolate_ideographs_(options.handle_chinese_chars),
        strip_(options.strip_accents.value_or(options.lowercase)),
        lowercase_(options.lowercase),
        out_(out),
        run_(out.size()) {}

  ~Pipeline() { end_run(); }

  void push(char32_t c) {
    if (c < 0x80 && c >= 0x20 && c != 0x7f) return finish(c);
    const std::uint8_t properties = unicode::properties(c);
    if (clean_) {
      if (properties & unicode::kDropped) return;
      if (properties & unicode::kSpace) return finish(U' ');
    }
    if (isolate_ideographs_ && (properties & unicode::kIdeograph)) {
      finish(U' ');
      decompose(c);
      finish(U' ');
      return;
    }
    decompose(c);
  }

 private:
  void decompose(char32_t c) {
    if (!strip_) return finish(c);
    if (c - kSyllableBase < kSyllables) {
      const char32_t index = c - kSyllableBase;
      finish(kLeadBase + index / kVowelsByTrails);
      finish(kVowelBase + index % kVowelsByTrails / kTrails);
      if (index % kTrails != 0) finish(kTrailBase + index % kTrails);
      return;
    }
    const auto parts = unicode::decomposition(c);
    if (parts.empty()) return strip(c);
    for (const std::uint32_t part : parts) strip(part);
  }

  // Marks that are stripped anyway need no place in the canonical order, but one of class 0 still ends a run.
  void strip(char32_t c) {
    const bool stripped = unicode::properties(c) & unicode::kMark;
    if (unicode::combining_class(c) != 0) {
      if (!stripped) out_.push_back(lowercase_ ? unicode::lowercase(c) : c);  // its lower case has the same class
    } else if (stripped) {
      end_run();
    } else {
      finish(c);
    }
  }

  // A code point of class 0, not decomposing.
  void finish(char32_t c) {
    end_run();
    if (lowercase_) {
      if (c == kCapitalIWithDot) {
        out_.push_back(U'i');
        c = kCombiningDotAbove;
      } else {
        c = unicode::lowercase(c);
      }
    }
    out_.push_back(c);
    run_ = out_.size();
  }

  // Canonical ordering sorts the marks between two code points of class 0, stably.
  void end_run() {
    if (out_.size() - run_ > 1) {
      std::stable_sort(out_.begin() + static_cast<std::ptrdiff_t>(run_), out_.end(), [](char32_t a, char32_t b) {
        return unicode::combining_class(a) < unicode::combining_class(b);
      });
    }
    run_ = out_.size();
  }

  const bool clean_, isolate_ideographs_, strip_, lowercase_;
  std::u32string& out_;
  std::size_t run_;  // where the marks after the last code point of class 0 begin
};

}  // namespace

void normalize(const std::optional<BertNormalizer>& normalizer, std::string_view text, std::u32string& out) {
  const std::uint8_t* at = utf8::bytes(text);
  const std::uint8_t* const end = at + text.size();
  if (!normalizer) {
    while (at < end) {
      const utf8::Decoded next = utf8::decode(at, end);
      out.push_back(next.code_point);
      at += next.size;
    }
    return;
  }
  Pipeline pipeline(*normalizer, out);
  while (at < end) {
    const utf8::Decoded next = utf8::decode(at, end);
    pipeline.push(next.code_point);
    at += next.size;
  }
}

}  // namespace stillvec::text
