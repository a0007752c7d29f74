#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/status.h"

namespace stillvec::text {

// Where a match begins and ends, in bytes.
struct Match {
  std::size_t begin, end;
};

// What a Split or a Replace looks for: matches of at least one character.
class Pattern {
 public:
  virtual ~Pattern() = default;

  // The first match in `text` that begins at `from`, which is where a character begins, or later.
  virtual std::optional<Match> find(std::string_view text, std::size_t from) const = 0;
};

using PatternPtr = std::unique_ptr<const Pattern>;

PatternPtr literal_pattern(std::string literal);

// A regular expression as Oniguruma reads it, as far as the patterns of published tokenizers go: literals, classes,
// general categories, \s \S \d, groups, alternatives, (?i:...) of letters, look-ahead, and greedy, lazy and possessive
// quantifiers of single characters (of groups: `?`). Where two alternatives match, the first one counts. kUnsupported,
// naming the pattern, for all others and for those that match nothing.
Result<PatternPtr> regex_pattern(std::string_view regex);

}  // namespace stillvec::text
