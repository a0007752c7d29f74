#include "text/unicode/normal_form.h"

#include <algorithm>
#include <span>
#include <vector>

#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text::unicode {
namespace {

// Hangul syllables are computed (section 3.12).
constexpr char32_t kSyllableBase = 0xac00, kLeadBase = 0x1100, kVowelBase = 0x1161, kTrailBase = 0x11a7;
constexpr char32_t kLeads = 19, kVowels = 21, kTrails = 28, kSyllables = kLeads * kVowels * kTrails;

void decompose(char32_t c, bool compatible, std::u32string& out) {
  if (c - kSyllableBase < kSyllables) {
    const char32_t index = c - kSyllableBase;
    out.push_back(kLeadBase + index / (kVowels * kTrails));
    out.push_back(kVowelBase + index % (kVowels * kTrails) / kTrails);
    if (index % kTrails != 0) out.push_back(kTrailBase + index % kTrails);
    return;
  }
  std::span<const std::uint32_t> parts;
  if (compatible) parts = compatibility(c);
  if (parts.empty()) parts = decomposition(c);
  if (parts.empty()) return out.push_back(c);
  out.insert(out.end(), parts.begin(), parts.end());
}

// Sorts the marks between two code points of class 0 by their classes, stably.
void order(std::u32string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (combining_class(text[i]) == 0) continue;
    std::size_t end = i;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    if (end - i > 1) {
      std::stable_sort(text.begin() + static_cast<std::ptrdiff_t>(i), text.begin() + static_cast<std::ptrdiff_t>(end),
                       [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    }
    i = end;
  }
}

void compose_all(std::u32string& text) {
  constexpr std::size_t kNone = SIZE_MAX;
  std::size_t starter = kNone, size = 0;
  int last = -1;  // the class of what stands last behind the starter; -1: nothing does
  for (const char32_t c : text) {
    const int own = combining_class(c);
    if (starter != kNone && last < own) {
      if (const char32_t composed = compose(text[starter], c); composed != 0) {
        text[starter] = composed;
        continue;
      }
    }
    if (own == 0) {
      starter = size;
      last = -1;
    } else {
      last = own;
    }
    text[size++] = c;
  }
  text.resize(size);
}

}  // namespace

char32_t compose(char32_t first, char32_t second) {
  if (first - kLeadBase < kLeads && second - kVowelBase < kVowels) {
    return kSyllableBase + ((first - kLeadBase) * kVowels + (second - kVowelBase)) * kTrails;
  }
  if (first - kSyllableBase < kSyllables && (first - kSyllableBase) % kTrails == 0 && second > kTrailBase &&
      second < kTrailBase + kTrails) {
    return first + (second - kTrailBase);
  }
  std::size_t begin = 0, end = kCompositions;
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    const std::uint32_t* pair = kCompositionPairs + 3 * middle;
    if (pair[0] == first && pair[1] == second) return pair[2];
    if (pair[0] < first || (pair[0] == first && pair[1] < second)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return 0;
}

void append_normal_form(NormalForm form, std::string_view text, std::string& out) {
  if (utf8::ascii_run(utf8::bytes(text), utf8::bytes(text) + text.size()) == text.size()) {
    out += text;
    return;
  }
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  std::u32string code_points;
  const std::uint8_t* const end = utf8::bytes(text) + text.size();
  for (const std::uint8_t* at = utf8::bytes(text); at < end;) {
    const utf8::Decoded next = utf8::decode(at, end);
    decompose(next.code_point, compatible, code_points);
    at += next.size;
  }
  order(code_points);
  if (form == NormalForm::kNfc || form == NormalForm::kNfkc) compose_all(code_points);
  for (const char32_t c : code_points) utf8::append(c, out);
}

}  // namespace stillvec::text::unicode
