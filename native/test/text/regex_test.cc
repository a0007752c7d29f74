#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/regex/pattern.h"

namespace stillvec::text {
namespace {

using Matches = std::vector<std::string>;

Matches matches(std::string_view regex, std::string_view text) {
  auto pattern = regex_pattern(regex);
  if (!pattern.is_ok()) return {"unsupported"};
  Matches all;
  pattern.value()->for_each_match(
      text, [&](Match match) { all.emplace_back(text.substr(match.begin, match.end - match.begin)); });
  return all;
}

TEST(Regex, TakesTheFirstAlternativeThatMatches) {
  EXPECT_EQ(matches("ab|abc", "abc"), (Matches{"ab"}));
  EXPECT_EQ(matches("abc|ab", "abc"), (Matches{"abc"}));
  EXPECT_EQ(matches("a(?:b|bc)d", "abcd abd"), (Matches{"abcd", "abd"}));
}

TEST(Regex, LoopsGoBack) {
  EXPECT_EQ(matches("a*ab", "aaab"), (Matches{"aaab"}));
  EXPECT_EQ(matches("a{2,3}a", "aaaaa"), (Matches{"aaaa"}));
  EXPECT_EQ(matches("a{2,}a", "a aaaa"), (Matches{"aaaa"}));
  EXPECT_EQ(matches("a++b", "aab ab"), (Matches{"aab", "ab"}));
  EXPECT_EQ(matches("a*+ab", "aab"), (Matches{}));
  EXPECT_EQ(matches("a+?b", "aab"), (Matches{"aab"}));
  EXPECT_EQ(matches("a+?", "aa"), (Matches{"a", "a"}));
  EXPECT_EQ(matches("x(?:ab)?b", "xb xabb xab"), (Matches{"xb", "xabb"}));
}

TEST(Regex, LoopsOverGroups) {
  EXPECT_EQ(matches("(?:ab|a)*b", "aabab b"), (Matches{"aabab", "b"}));
  EXPECT_EQ(matches("(ab)+", "ababa ab"), (Matches{"abab", "ab"}));
  EXPECT_EQ(matches("(?:a|b){2,3}", "abbab"), (Matches{"abb", "ab"}));
  EXPECT_EQ(matches("(?:ab){2,}c", "abc ababc"), (Matches{"ababc"}));
  EXPECT_EQ(matches("(?:ab)+?", "abab"), (Matches{"ab", "ab"}));
  EXPECT_EQ(matches("(?:a(?:b+|c))+d", "abbacabd"), (Matches{"abbacabd"}));
}

TEST(Regex, Looks) {
  EXPECT_EQ(matches(R"(\s+(?!\S)|\s+)", "a   b  "), (Matches{"  ", " ", "  "}));
  EXPECT_EQ(matches("a(?=b)", "ab ac"), (Matches{"a"}));
  EXPECT_EQ(matches("(?<=a|xx)b", "ab b xxb xb"), (Matches{"b", "b"}));
  EXPECT_EQ(matches("(?<!a)b", "ab b"), (Matches{"b"}));
}

TEST(Regex, Places) {
  EXPECT_EQ(matches("^a|b$", "ab\nab"), (Matches{"a", "b", "a", "b"}));
  EXPECT_EQ(matches(R"(\Aa|b\z)", "ab\nab"), (Matches{"a", "b"}));
  EXPECT_EQ(matches(R"(\bab\b)", "ab abc (ab)"), (Matches{"ab", "ab"}));
}

TEST(Regex, EmptyMatchesAreFoundButAfterAnother) {
  EXPECT_EQ(matches("a*", "baab"), (Matches{"", "aa", ""}));
  EXPECT_EQ(matches("(?=b)", "abb"), (Matches{"", ""}));
  EXPECT_EQ(matches("", "\u00e9a"), (Matches{"", "", ""}));
}

TEST(Regex, Classes) {
  EXPECT_EQ(matches(R"([^\s\p{L}\p{N}]+)", "a!? 1\u3002\u00e9"), (Matches{"!?", "\u3002"}));
  EXPECT_EQ(matches(R"([a-c\d-]+)", "xb-5"), (Matches{"b-5"}));
  EXPECT_EQ(matches(R"([\da-c])", "xb5"), (Matches{"b", "5"}));
  EXPECT_EQ(matches(R"(\P{L}+)", "a12b"), (Matches{"12"}));
  EXPECT_EQ(matches("[^a]", "a\u00e9"), (Matches{"\u00e9"}));
  EXPECT_EQ(matches("a.", "a\na\u00e9"), (Matches{"a\u00e9"}));
  EXPECT_EQ(matches("[^b[c]]", "abcd"), (Matches{"a", "d"}));
  EXPECT_EQ(matches("[a-z&&[^b]]", "abcA"), (Matches{"a", "c"}));
  EXPECT_EQ(matches(R"(\.\-\x41\x{e9}\u00e9)", ".-A\u00e9\u00e9"), (Matches{".-A\u00e9\u00e9"}));
}

TEST(Regex, FoldsCase) {
  EXPECT_EQ(matches("(?i:'s|'t)", "'S 't '\u017f"), (Matches{"'S", "'t", "'\u017f"}));
  EXPECT_EQ(matches("(?i:[a-k]+)", "aK\u212az"), (Matches{"aK\u212a"}));
}

TEST(Regex, TimeIsInProportionToTheText) {
  const std::string text(1 << 15, 'a');
  for (const char* regex : {"(?:a+)+b", "(?:a|a)+b", "a*a*a*a*a*a*b", "(?:a{1,30}){1,30}b", "a*?a*?a*?b", "a*+b|a",
                            "(?:aa|aaa)+$(?=b)", "a*b|a", "(?:a|aa)*b|a"}) {
    matches(regex, text);
  }
}

TEST(Regex, WhatItDoesNotKnowIsUnsupported) {
  for (const char* regex :
       {"(a",       "a)",     "[a",  "[]",         "\\",      "\\p{Han}",    "\\p{L",     "a{2}+",      "a{2}?",
        "(?<n>a)",  "a{3,1}", "\\1", "a{99999}",   "(?:a*)*", "(?i:\u00e9)", "(?i:\\pL)", "(?i:ss)",    "a**",
        "*",        "(?",     "(?:", "[\\",        "(?>a)",   "(?=a*)",      "(?<=a+)b",  "[a&&]",      "[[:alpha:]]",
        "(?:ab)*+", "(?i)a",  "^*",  "(?:(?=a))+", "\\xe9",   "\\h",         "a{600}{2}", "(?:aa){500}"}) {
    EXPECT_EQ(matches(regex, "a"), (Matches{"unsupported"})) << regex;
  }
  EXPECT_EQ(matches(std::string(200, '(') + "a" + std::string(200, ')'), "a"), (Matches{"unsupported"}));
}

}  // namespace
}  // namespace stillvec::text
