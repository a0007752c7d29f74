#include <algorithm>
#include <bitset>
#include <optional>
#include <utility>
#include <vector>

#include "text/regex/pattern.h"
#include "text/regex/program.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace regex {
namespace {

// The bytes that a match may begin with, and whether it may be empty: so that most of what cannot match is seen at its
// first byte. A byte above 0x7f stands for all characters of several bytes.
struct Beginnings {
  std::bitset<256> bytes;
  bool may_be_empty = false;

  bool may_begin(const std::uint8_t* at, const std::uint8_t* end) const {
    return may_be_empty || (at < end && bytes[*at]);
  }
};

class BeginningsFinder {
 public:
  explicit BeginningsFinder(const Program& program)
      : program_(program), found_(program.nodes.size()), is_known_(program.nodes.size()) {}

  std::vector<Beginnings> find() {
    for (NodeId id = 0; id < found_.size(); ++id) of(id);
    return std::move(found_);
  }

 private:
  // Ends, because no loop is empty.
  const Beginnings& of(NodeId id) {
    if (is_known_[id]) return found_[id];
    const Node& node = program_.nodes[id];
    Beginnings made;
    const auto include = [&](NodeId other) {
      const Beginnings& others = of(other);
      made.bytes |= others.bytes;
      made.may_be_empty |= others.may_be_empty;
    };
    switch (node.kind) {
      case Node::Kind::kAccept: made.may_be_empty = true; break;
      case Node::Kind::kSplit:
        for (const NodeId branch : node.branches) include(branch);
        break;
      case Node::Kind::kPlace:
      case Node::Kind::kLook: include(node.next); break;
      case Node::Kind::kSet:
      case Node::Kind::kRun: {
        const CharacterSet& set = program_.sets[node.set];
        for (std::size_t byte = 0; byte < 0x80; ++byte) made.bytes[byte] = set.contains(static_cast<char32_t>(byte));
        for (std::size_t byte = 0x80; byte < 0x100; ++byte) made.bytes[byte] = !set.is_ascii();
        if (node.kind == Node::Kind::kRun && node.least == 0) include(node.next);
        break;
      }
    }
    is_known_[id] = true;
    return found_[id] = made;
  }

  const Program& program_;
  std::vector<Beginnings> found_;
  std::vector<bool> is_known_;
};

// One text's search: backtracking, in the order of preference. What has been found to fail is written down once that
// takes long (Norvig 1991 of parsers; each part of the pattern then fails but once at each place of the text).
class Search {
 public:
  Search(const Program& program, const std::vector<Beginnings>& beginnings, std::string_view text)
      : program_(program),
        beginnings_(beginnings),
        begin_(utf8::bytes(text)),
        end_(begin_ + text.size()),
        steps_left_(kFreeSteps + kFreeStepsOfByte * text.size()) {}

  // The first match that begins at `from` or later.
  std::optional<Match> find(std::size_t from) {
    const Beginnings& first = beginnings_[program_.start];
    for (const std::uint8_t* at = begin_ + from;; at += utf8::decode(at, end_).size) {
      if (first.may_begin(at, end_)) {
        if (const std::uint8_t* found = match(program_.start, at)) return Match{offset(at), offset(found)};
      }
      if (at == end_) return std::nullopt;
    }
  }

 private:
  static constexpr std::size_t kFreeSteps = 1000, kFreeStepsOfByte = 32;

  // A node that may go on in another way: a split at `begin` whose branch `count` is next, or a run that began at
  // `begin`, has `count` characters and ends at `at`.
  struct Choice {
    NodeId node;
    std::uint32_t count;
    const std::uint8_t *begin, *at;
  };

  std::size_t offset(const std::uint8_t* at) const { return static_cast<std::size_t>(at - begin_); }
  const CharacterSet& set_of(const Node& node) const { return program_.sets[node.set]; }

  // Where a match of `id` and all that follows it ends; null for none.
  const std::uint8_t* match(NodeId id, const std::uint8_t* at) {
    const std::size_t base = choices_.size();
    while (id != kAcceptId) {
      spend(1);
      if (step(id, at)) continue;
      do {
        if (choices_.size() == base) return nullptr;
      } while (!resume(id, at));
    }
    choices_.resize(base);
    return at;
  }

  // Goes on to the next node, and over what this one matches; false where it fails.
  bool step(NodeId& id, const std::uint8_t*& at) {
    const Node& node = program_.nodes[id];
    switch (node.kind) {
      case Node::Kind::kAccept: return true;
      case Node::Kind::kSet: {
        if (at == end_) return false;
        const utf8::Decoded next = utf8::decode(at, end_);
        if (!set_of(node).contains(next.code_point)) return false;
        at += next.size;
        break;
      }
      case Node::Kind::kRun: {
        if (has_failed(id, at)) return false;
        choices_.push_back({id, 0, at, at});
        Choice& run = choices_.back();
        extend(node, run, node.greed == Greed::kLazy ? node.least : node.most);
        if (run.count < node.least) {
          choices_.pop_back();
          return false;
        }
        at = run.at;
        // Nothing can go wrong after it, so that it need not be shortened.
        if (node.next == kAcceptId) choices_.pop_back();
        break;
      }
      case Node::Kind::kSplit:
        if (has_failed(id, at)) return false;
        choices_.push_back({id, 0, at, at});
        return resume(id, at);
      case Node::Kind::kPlace:
        if (!is_at(node.place, at)) return false;
        break;
      case Node::Kind::kLook:
        if (looks(node, at) == node.is_negative) return false;
        break;
    }
    id = node.next;
    return true;
  }

  // Another way from the last choice; false, without the choice, where it has none.
  bool resume(NodeId& id, const std::uint8_t*& at) {
    Choice& choice = choices_.back();
    const Node& node = program_.nodes[choice.node];
    if (node.kind == Node::Kind::kSplit) {
      while (choice.count < node.branches.size()) {
        const NodeId branch = node.branches[choice.count++];
        if (!beginnings_[branch].may_begin(choice.begin, end_)) continue;
        id = branch;
        at = choice.begin;
        // Of no interest any more, unless it is to be remembered.
        if (choice.count == node.branches.size() && failed_.empty()) choices_.pop_back();
        return true;
      }
    } else if (changes(node, choice)) {
      id = node.next;
      at = choice.at;
      return true;
    }
    remember_failure(node, choice);
    choices_.pop_back();
    return false;
  }

  // Makes a run longer or shorter by what it takes for the next node to have a chance.
  bool changes(const Node& node, Choice& run) {
    const Beginnings& next = beginnings_[node.next];
    switch (node.greed) {
      case Greed::kPossessive: return false;
      case Greed::kGreedy:
        while (run.count > node.least) {
          spend(1);
          run.at -= utf8::decode_before(run.begin, run.at).size;
          --run.count;
          if (next.may_begin(run.at, end_)) return true;
        }
        return false;
      case Greed::kLazy:
        while (run.count < node.most) {
          const std::uint32_t count = run.count;
          extend(node, run, count + 1);
          if (run.count == count) return false;
          if (next.may_begin(run.at, end_)) return true;
        }
        return false;
    }
    return false;
  }

  // Over more characters of the set, at most `most` in all, and not beyond where the same has failed before.
  void extend(const Node& node, Choice& run, std::uint32_t most) {
    const CharacterSet& set = set_of(node);
    const std::uint32_t before = run.count;
    const bool may_stop = node.most == kUnlimited && node.greed != Greed::kPossessive;
    while (run.count < most && run.at < end_) {
      const utf8::Decoded next = utf8::decode(run.at, end_);
      if (!set.contains(next.code_point)) break;
      if (may_stop && run.count > 0 && has_failed(run.node, run.at)) break;
      run.at += next.size;
      ++run.count;
    }
    spend(run.count - before);
  }

  bool is_at(Place place, const std::uint8_t* at) const {
    switch (place) {
      case Place::kTextBegin: return at == begin_;
      case Place::kTextEnd: return at == end_;
      case Place::kLastLineEnd: return at == end_ || (at + 1 == end_ && *at == '\n');
      case Place::kLineBegin: return at == begin_ || (at[-1] == '\n' && at < end_);
      case Place::kLineEnd: return at == end_ || *at == '\n';
      case Place::kWordEdge: return is_word_edge(at);
      case Place::kNoWordEdge: return !is_word_edge(at);
    }
    return false;
  }

  bool is_word_edge(const std::uint8_t* at) const {
    const bool before = at > begin_ && word_characters<false>().contains(utf8::decode_before(begin_, at).code_point);
    const bool after = at < end_ && word_characters<false>().contains(utf8::decode(at, end_).code_point);
    return before != after;
  }

  bool looks(const Node& node, const std::uint8_t* at) {
    for (std::size_t i = 0; i < node.branches.size(); ++i) {
      const std::uint8_t* from = at;
      std::uint32_t width = node.widths.empty() ? 0 : node.widths[i];
      for (; width > 0 && from > begin_; --width) from -= utf8::decode_before(begin_, from).size;
      if (width == 0 && match(node.branches[i], from) != nullptr) return true;
    }
    return false;
  }

  void spend(std::size_t steps) {
    if (steps_left_ >= steps) {
      steps_left_ -= steps;
    } else if (failed_.empty()) {
      failed_.resize(program_.nodes.size() * row_length());
    }
  }

  std::size_t row_length() const { return offset(end_) + 1; }

  bool has_failed(NodeId id, const std::uint8_t* at) const {
    return !failed_.empty() && failed_[id * row_length() + offset(at)];
  }

  // A choice has come to its end without a match.
  void remember_failure(const Node& node, const Choice& choice) {
    if (failed_.empty()) return;
    const auto mark = [&](const std::uint8_t* at) { failed_[choice.node * row_length() + offset(at)] = true; };
    mark(choice.begin);
    if (node.kind != Node::Kind::kRun || node.most != kUnlimited) return;
    // A run without limit that begins further on leads to a part of what has been tried.
    const CharacterSet& set = set_of(node);
    for (const std::uint8_t* at = choice.begin; at < end_;) {
      const utf8::Decoded next = utf8::decode(at, end_);
      if (!set.contains(next.code_point) || (at != choice.begin && has_failed(choice.node, at))) break;
      mark(at);
      at += next.size;
    }
  }

  const Program& program_;
  const std::vector<Beginnings>& beginnings_;
  const std::uint8_t *begin_, *end_;
  std::size_t steps_left_;
  std::vector<Choice> choices_;
  std::vector<bool> failed_;  // of each node, at each place; empty while the free steps last
};

class Regex final : public Pattern {
 public:
  explicit Regex(Program program) : program_(std::move(program)), beginnings_(BeginningsFinder(program_).find()) {}

 private:
  void search(std::string_view text, Taker& taker) const override {
    Search search(program_, beginnings_, text);
    std::optional<std::size_t> last_end;
    for (std::size_t from = 0; from <= text.size();) {
      const std::optional<Match> match = search.find(from);
      if (!match) return;
      from = match->end;
      if (match->begin == match->end && match->end == last_end) {
        if (from == text.size()) return;
        from += utf8::decode(utf8::bytes(text) + from, utf8::bytes(text) + text.size()).size;
        continue;
      }
      last_end = match->end;
      taker.take(*match);
    }
  }

  Program program_;
  std::vector<Beginnings> beginnings_;
};

}  // namespace
}  // namespace regex

Result<PatternPtr> regex_pattern(std::string_view regex) {
  std::optional<regex::Program> program = regex::parse(regex);
  if (!program) return Status{Code::kUnsupported, "the regular expression " + std::string(regex)};
  return PatternPtr(std::make_unique<regex::Regex>(std::move(*program)));
}

}  // namespace stillvec::text
