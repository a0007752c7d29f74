#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stillvec::text::unicode {

enum class NormalForm : std::uint8_t { kNfc, kNfd, kNfkc, kNfkd };

// Appends the normal form of a well-formed text (Unicode 15, section 3.11) with the reference's data.
void append_normal_form(NormalForm form, std::string_view text, std::string& out);

// What the two are composed to; 0 where they are not.
char32_t compose(char32_t first, char32_t second);

}  // namespace stillvec::text::unicode
