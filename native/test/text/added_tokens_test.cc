#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace stillvec::text {
namespace {

AddedTokens make(const std::vector<std::string>& patterns) {
  std::vector<AddedTokens::Entry> entries;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    AddedToken token;
    token.content = patterns[i];
    token.id = static_cast<std::uint32_t>(i);
    entries.push_back({patterns[i], token});
  }
  return AddedTokens::create(std::move(entries), "added_tokens").value();
}

// What split() gives, as one string: pieces in brackets, ids in braces.
std::string split(const AddedTokens& tokens, const std::string& text) {
  std::string out;
  tokens.split(
      text, [&](std::string_view piece) { out.append("[").append(piece).append("]"); },
      [&](std::uint32_t id) { out += "{" + std::to_string(id) + "}"; });
  return out;
}

std::string split_naively(const std::vector<std::string>& patterns, const std::string& text) {
  std::string out, piece;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t best = patterns.size();
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (text.compare(at, patterns[i].size(), patterns[i]) != 0) continue;
      if (best == patterns.size() || patterns[i].size() > patterns[best].size()) best = i;
    }
    if (best == patterns.size()) {
      piece += text[at++];
      continue;
    }
    if (!piece.empty()) out += "[" + piece + "]";
    piece.clear();
    out += "{" + std::to_string(best) + "}";
    at += patterns[best].size();
  }
  return piece.empty() ? out : out + "[" + piece + "]";
}

TEST(AddedTokens, LeftmostLongestWithShortAndLongPatterns) {
  std::mt19937 random(7);
  const auto word = [&](std::size_t length) {
    std::string letters;
    for (std::size_t i = 0; i < length; ++i) letters += random() % 8 == 0 ? 'b' : 'a';
    return letters;
  };
  for (int round = 0; round < 500; ++round) {
    const std::size_t longest = round % 2 == 0 ? 12 : 120;
    std::vector<std::string> patterns;
    for (std::size_t i = random() % 6 + 1; i > 0; --i) patterns.push_back(word(random() % longest + 1));
    std::string text = word(random() % 400);
    for (const std::string& pattern : patterns) text += pattern + word(random() % 3);
    EXPECT_EQ(split(make(patterns), text), split_naively(patterns, text));
  }
}

TEST(AddedTokens, ALongPatternAgainstItsLettersIsQuick) {
  // 4 * 10^9 steps if it were tried at each byte.
  const std::string letters(400'000, 'a');
  EXPECT_EQ(split(make({std::string(10'000, 'a') + "b"}), letters), "[" + letters + "]");
}

}  // namespace
}  // namespace stillvec::text
