#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/status.h"

namespace stillvec::text {

// Where a match begins and ends, in bytes.
struct Match {
  std::size_t begin, end;
};

// What a Split or a Replace looks for.
class Pattern {
 public:
  virtual ~Pattern() = default;

  // Calls take(Match) with the matches in `text`, which is well-formed UTF-8, from left to right. Empty ones are among
  // them where the pattern has such, but not at the end of another match.
  template <typename Take>
  void for_each_match(std::string_view text, Take take) const {
    TakerOf<Take> taker(std::move(take));
    search(text, taker);
  }

 protected:
  class Taker {
   public:
    virtual ~Taker() = default;
    virtual void take(Match match) = 0;
  };

  virtual void search(std::string_view text, Taker& taker) const = 0;

 private:
  template <typename Take>
  class TakerOf final : public Taker {
   public:
    explicit TakerOf(Take take) : take_(std::move(take)) {}
    void take(Match match) override { take_(match); }

   private:
    Take take_;
  };
};

using PatternPtr = std::unique_ptr<const Pattern>;

PatternPtr literal_pattern(std::string literal);

// A regular expression as Oniguruma's Ruby syntax has it: literals, escapes, classes with unions and intersections,
// general categories, \d \s \w, groups, alternatives, (?i:...) of ASCII, places (^ $ \A \z \Z \b \B), and greedy, lazy
// and possessive quantifiers (of groups: no possessive ones, and of what is never empty); looks ahead of bounded length
// and looks behind of one length. kUnsupported, naming the pattern, for all else: names of scripts, back-references,
// atomic groups, flags.
//
// A search takes a time in proportion to pattern and text, whatever they are.
Result<PatternPtr> regex_pattern(std::string_view regex);

}  // namespace stillvec::text
