#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "text/regex/character_set.h"

namespace stillvec::text::regex {

using NodeId = std::uint32_t;

constexpr NodeId kAcceptId = 0;
constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();

enum class Greed { kGreedy, kLazy, kPossessive };
enum class Place { kTextBegin, kTextEnd, kLastLineEnd, kLineBegin, kLineEnd, kWordEdge, kNoWordEdge };

// A part of a regular expression, which knows what comes after it.
struct Node {
  enum class Kind {
    kAccept,
    kSet,    // one character of `set`
    kRun,    // `least` to `most` characters of `set`; without limit, `least` is 0 or 1
    kSplit,  // one of `branches`, of which an earlier one is preferred; they lead on by themselves
    kPlace,
    kLook,  // `branches` that end at kAcceptId: that one of them matches here, or matched up to here, or none
  } kind = Kind::kAccept;
  NodeId next = kAcceptId;

  std::uint32_t set = 0, least = 1, most = 1;
  Greed greed = Greed::kGreedy;

  std::vector<NodeId> branches;
  Place place = Place::kTextBegin;
  bool is_negative = false;
  // Of a look behind, how many characters each branch has; empty for a look ahead.
  std::vector<std::uint32_t> widths;
};

// What a regular expression says, as a graph without empty loops. Node 0 is the end of a match.
struct Program {
  std::vector<CharacterSet> sets;
  std::vector<Node> nodes;
  NodeId start = kAcceptId;
};

// Nothing where `pattern` is none, or has a part that is not known here.
std::optional<Program> parse(std::string_view pattern);

}  // namespace stillvec::text::regex
