#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/steps/pattern.h"

namespace stillvec::text {
namespace {

using Matches = std::vector<std::string>;

Matches matches(std::string_view regex, std::string_view text) {
  auto pattern = regex_pattern(regex);
  if (!pattern.is_ok()) return {"unsupported"};
  Matches all;
  for (std::size_t at = 0; at < text.size();) {
    const auto match = pattern.value()->find(text, at);
    if (!match) break;
    all.emplace_back(text.substr(match->begin, match->end - match->begin));
    at = match->end;
  }
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
  EXPECT_EQ(matches("a++b", "aab ab"), (Matches{"aab", "ab"}));
  EXPECT_EQ(matches("a*+ab", "aab"), (Matches{}));
  EXPECT_EQ(matches("a+?b", "aab"), (Matches{"aab"}));
  EXPECT_EQ(matches("a+?", "aa"), (Matches{"a", "a"}));
  EXPECT_EQ(matches("x(?:ab)?b", "xb xabb xab"), (Matches{"xb", "xabb"}));
}

TEST(Regex, LookAhead) {
  EXPECT_EQ(matches(R"(\s+(?!\S)|\s+)", "a   b  "), (Matches{"  ", " ", "  "}));
  EXPECT_EQ(matches("a(?=b)", "ab ac"), (Matches{"a"}));
}

TEST(Regex, Classes) {
  EXPECT_EQ(matches(R"([^\s\p{L}\p{N}]+)", "a!? 1\u3002\u00e9"), (Matches{"!?", "\u3002"}));
  EXPECT_EQ(matches(R"([a-c\d-])", "xb-5"), (Matches{"unsupported"}));
  EXPECT_EQ(matches(R"([\da-c])", "xb5"), (Matches{"b", "5"}));
  EXPECT_EQ(matches(R"(\P{L}+)", "a12b"), (Matches{"12"}));
  EXPECT_EQ(matches("[^a]", "a\u00e9"), (Matches{"\u00e9"}));
  EXPECT_EQ(matches(R"(\.\-)", "a.-"), (Matches{".-"}));
}

TEST(Regex, FoldsCase) { EXPECT_EQ(matches("(?i:'s|'t)", "'S 't '\u017f"), (Matches{"'S", "'t", "'\u017f"})); }

TEST(Regex, WhatItDoesNotKnowIsUnsupported) {
  for (const char* regex : {"",         "a*",          "a|",     "^a",       "a$",       ".",      "(a",    "a)",
                            "[a",       "[]",          "\\",     "\\w",      "\\p{Han}", "\\p{L",  "a{2}+", "(a)+",
                            "(?<n>a)",  "(?<=a)b",     "a{3,1}", "a{99999}", "[a[b]]",   "[a&&b]", "\\1",   "\\x41",
                            "(?i:[a])", "(?i:\u00e9)", "a**",    "*",        "(?",       "(?:",    "[\\"}) {
    EXPECT_EQ(matches(regex, "a"), (Matches{"unsupported"})) << regex;
  }
  EXPECT_EQ(matches(std::string(200, '(') + "a" + std::string(200, ')'), "a"), (Matches{"unsupported"}));
}

}  // namespace
}  // namespace stillvec::text
