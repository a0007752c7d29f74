#pragma once

#include <string>
#include <string_view>

#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {

// Calls `take` with each word of a UTF-8 text, in lower case: the longest runs of word characters (Unicode's UTS #18:
// letters, marks, decimal digits, connectors) that are at least two of them. The view is valid during the call.
template <typename Take>
void for_each_word(std::string_view text, std::string& scratch, const Take& take) {
  const std::uint8_t* p = utf8::bytes(text);
  const std::uint8_t* const end = p + text.size();
  while (p < end) {
    scratch.clear();
    std::size_t length = 0;
    for (; p < end; ++length) {
      if (*p < 0x80) {
        const auto c = static_cast<char>(*p);
        const bool is_upper = c >= 'A' && c <= 'Z';
        if (!is_upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') break;
        scratch.push_back(is_upper ? static_cast<char>(c | 0x20) : c);
        ++p;
        continue;
      }
      const auto [c, size] = utf8::decode(p, end);
      if ((unicode::properties(c) & unicode::kWord) == 0) break;
      utf8::append(unicode::lowercase(c), scratch);
      p += size;
    }
    if (length >= 2) take(std::string_view(scratch));
    if (p < end) p += utf8::decode(p, end).size;
  }
}

}  // namespace stillvec::text
