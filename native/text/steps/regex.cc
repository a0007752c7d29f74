#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "text/steps/pattern.h"
#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();

// A set of code points.
class CharacterSet {
 public:
  void add_range(char32_t first, char32_t last) { items_.push_back({first, last, 0, false, false}); }
  void add_categories(std::uint32_t categories, bool is_negated) {
    items_.push_back({0, 0, categories, false, is_negated});
  }
  void add_spaces(bool is_negated) { items_.push_back({0, 0, 0, true, is_negated}); }
  void negate() { is_negated_ = !is_negated_; }

  // Looks the ASCII characters up in advance.
  void finish() {
    for (char32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = look_up(c);
  }

  bool contains(char32_t c) const { return c < ascii_.size() ? ascii_[c] : look_up(c); }

 private:
  struct Item {
    char32_t first, last;
    std::uint32_t categories;  // a bit each; 0: a range, or spaces
    bool is_spaces, is_negated;

    bool contains(char32_t c) const {
      if (categories != 0) return ((categories >> unicode::category(c) & 1) != 0) != is_negated;
      if (is_spaces) return ((unicode::properties(c) & unicode::kSpace) != 0) != is_negated;
      return c >= first && c <= last;
    }
  };

  bool look_up(char32_t c) const {
    return std::any_of(items_.begin(), items_.end(), [c](const Item& item) { return item.contains(c); }) != is_negated_;
  }

  std::vector<Item> items_;
  bool is_negated_ = false;
  std::array<bool, 128> ascii_ = {};
};

using NodeId = std::uint32_t;

enum class Greed { kGreedy, kLazy, kPossessive };

struct Node {
  enum class Kind { kAccept, kSet, kAlternatives, kLookAhead } kind = Kind::kAccept;
  NodeId next = 0;

  // kSet
  std::uint32_t set = 0, least = 1, most = 1;
  Greed greed = Greed::kGreedy;

  // kAlternatives: where each begins; they end at `next`. kLookAhead: the only one, which ends at kAcceptId.
  std::vector<NodeId> branches;
  bool is_negative = false;
};

constexpr NodeId kAcceptId = 0;

class Regex final : public Pattern {
 public:
  Regex(std::vector<CharacterSet> sets, std::vector<Node> nodes, NodeId start)
      : sets_(std::move(sets)), nodes_(std::move(nodes)), start_(start) {
    std::vector<bool> seen(nodes_.size());
    find_first_bytes(start_, seen);
  }

  std::optional<Match> find(std::string_view text, std::size_t from) const override {
    const std::uint8_t* const begin = utf8::bytes(text);
    const std::uint8_t* const end = begin + text.size();
    for (const std::uint8_t* at = begin + from; at < end; at += utf8::decode(at, end).size) {
      if (!may_begin_[*at]) continue;
      const std::uint8_t* found = match(start_, at, end);
      if (found != nullptr) {
        return Match{static_cast<std::size_t>(at - begin), static_cast<std::size_t>(found - begin)};
      }
    }
    return std::nullopt;
  }

 private:
  // Which bytes a match of `id` and what follows it may begin with. A byte of several may begin any character.
  void find_first_bytes(NodeId id, std::vector<bool>& seen) {
    if (seen[id]) return;
    seen[id] = true;
    const Node& node = nodes_[id];
    switch (node.kind) {
      case Node::Kind::kAccept: break;
      case Node::Kind::kSet:
        for (std::size_t byte = 0; byte < may_begin_.size(); ++byte) {
          const bool is_ascii = byte < 0x80;
          if (!is_ascii || sets_[node.set].contains(static_cast<char32_t>(byte))) may_begin_[byte] = true;
        }
        if (node.least == 0) find_first_bytes(node.next, seen);
        break;
      case Node::Kind::kAlternatives:
        for (const NodeId branch : node.branches) find_first_bytes(branch, seen);
        break;
      case Node::Kind::kLookAhead: find_first_bytes(node.next, seen); break;
    }
  }

  // Where a match of `id` and what follows it ends; null for none. Only loops over single characters go back, so that
  // the depth of the recursion is that of the pattern.
  const std::uint8_t* match(NodeId id, const std::uint8_t* at, const std::uint8_t* end) const {
    for (;;) {
      const Node& node = nodes_[id];
      switch (node.kind) {
        case Node::Kind::kAccept: return at;
        case Node::Kind::kSet: {
          if (node.least == 1 && node.most == 1) {
            if (at == end) return nullptr;
            const utf8::Decoded next = utf8::decode(at, end);
            if (!sets_[node.set].contains(next.code_point)) return nullptr;
            at += next.size;
            break;
          }
          if (node.greed != Greed::kPossessive && node.next != kAcceptId) return loop(node, at, end);
          if (node.greed == Greed::kLazy) return loop(node, at, end);
          const std::uint32_t count = run(node, at, end);
          if (count < node.least) return nullptr;
          break;
        }
        case Node::Kind::kAlternatives: {
          for (const NodeId branch : node.branches) {
            if (const std::uint8_t* found = match(branch, at, end)) return found;
          }
          return nullptr;
        }
        case Node::Kind::kLookAhead:
          if ((match(node.branches[0], at, end) != nullptr) == node.is_negative) return nullptr;
          break;
      }
      id = node.next;
    }
  }

  // Moves `at` over as many characters of the set as there are, at most node.most; how many there were.
  std::uint32_t run(const Node& node, const std::uint8_t*& at, const std::uint8_t* end) const {
    const CharacterSet& set = sets_[node.set];
    std::uint32_t count = 0;
    while (count < node.most && at < end) {
      const utf8::Decoded next = utf8::decode(at, end);
      if (!set.contains(next.code_point)) break;
      at += next.size;
      ++count;
    }
    return count;
  }

  const std::uint8_t* loop(const Node& node, const std::uint8_t* at, const std::uint8_t* end) const {
    const CharacterSet& set = sets_[node.set];
    if (node.greed == Greed::kGreedy) {
      const std::uint8_t* const begin = at;
      for (std::uint32_t count = run(node, at, end);; --count) {
        if (count < node.least) return nullptr;
        if (const std::uint8_t* found = match(node.next, at, end)) return found;
        if (count == 0) return nullptr;
        at -= utf8::decode_before(begin, at).size;
      }
    }
    for (std::uint32_t count = 0;; ++count) {
      if (count >= node.least) {
        if (const std::uint8_t* found = match(node.next, at, end)) return found;
      }
      if (count == node.most || at == end) return nullptr;
      const utf8::Decoded next = utf8::decode(at, end);
      if (!set.contains(next.code_point)) return nullptr;
      at += next.size;
    }
  }

  std::vector<CharacterSet> sets_;
  std::vector<Node> nodes_;
  NodeId start_;
  std::array<bool, 256> may_begin_ = {};
};

// Reads a pattern from its end: each part is given what comes after it.
class Parser {
 public:
  explicit Parser(std::string_view pattern) {
    const std::uint8_t* const end = utf8::bytes(pattern) + pattern.size();
    for (const std::uint8_t* at = utf8::bytes(pattern); at < end;) {
      const utf8::Decoded next = utf8::decode(at, end);
      pattern_.push_back(next.code_point);
      at += next.size;
    }
    nodes_.emplace_back();
  }

  // Null where the pattern has something else in it.
  PatternPtr parse() {
    try_parse();
    if (failed_) return nullptr;
    for (CharacterSet& set : sets_) set.finish();
    return std::make_unique<Regex>(std::move(sets_), std::move(nodes_), start_);
  }

 private:
  // A parsed piece: made into nodes once what follows is known.
  struct Atom {
    enum class Kind { kSet, kGroup, kLookAhead } kind = Kind::kSet;
    std::uint32_t set = 0, least = 1, most = 1;
    Greed greed = Greed::kGreedy;
    std::vector<std::vector<Atom>> branches;
    bool is_negative = false;
  };
  using Branches = std::vector<std::vector<Atom>>;

  void try_parse() {
    const Branches branches = alternatives(false, 0);
    if (failed_ || at_ != pattern_.size() || !consumes(branches)) {
      failed_ = true;
      return;
    }
    start_ = emit(branches, kAcceptId);
  }

  char32_t peek() const { return at_ < pattern_.size() ? pattern_[at_] : 0; }
  bool take(char32_t c) {
    if (at_ >= pattern_.size() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::u32string_view text) {
    if (std::u32string_view(pattern_).substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }

  Branches alternatives(bool folds, int depth) {
    constexpr int kDeepest = 50;
    if (depth > kDeepest) failed_ = true;
    Branches branches(1);
    while (!failed_ && at_ < pattern_.size() && peek() != U')') {
      if (take(U'|')) {
        branches.emplace_back();
      } else {
        branches.back().push_back(quantified(atom(folds, depth)));
      }
    }
    return branches;
  }

  Atom atom(bool folds, int depth) {
    Atom made;
    if (take(U'(')) {
      if (take(U"?:")) {
      } else if (take(U"?i:")) {
        folds = true;
      } else if (take(U"?!") || take(U"?=")) {
        made.is_negative = pattern_[at_ - 1] == U'!';
        made.kind = Atom::Kind::kLookAhead;
      } else if (peek() == U'?') {
        failed_ = true;
      }
      if (made.kind != Atom::Kind::kLookAhead) made.kind = Atom::Kind::kGroup;
      made.branches = alternatives(folds, depth + 1);
      if (!take(U')')) failed_ = true;
      return made;
    }
    made.set = static_cast<std::uint32_t>(sets_.size());
    CharacterSet set;
    if (take(U'[')) {
      if (folds) failed_ = true;
      bracketed(set);
    } else if (take(U'\\')) {
      escaped(set);
    } else {
      const char32_t c = peek();
      constexpr std::u32string_view kSpecial = U".^$*+?{}]";
      if (kSpecial.find(c) != std::u32string_view::npos) failed_ = true;
      ++at_;
      set.add_range(c, c);
      if (folds) fold(c, set);
    }
    sets_.push_back(std::move(set));
    return made;
  }

  // The other characters that are `c` but for their case.
  void fold(char32_t c, CharacterSet& set) {
    if (c >= 0x80) failed_ = true;
    const char32_t lower = c | 0x20;
    if (lower < U'a' || lower > U'z') return;
    set.add_range(c ^ 0x20, c ^ 0x20);
    if (lower == U's') set.add_range(0x17f, 0x17f);
    if (lower == U'k') set.add_range(0x212a, 0x212a);
  }

  void bracketed(CharacterSet& set) {
    const bool is_negated = take(U'^');
    if (peek() == U']') failed_ = true;
    while (!failed_ && !take(U']')) {
      if (at_ >= pattern_.size() || peek() == U'[' || take(U"&&")) {
        failed_ = true;
      } else if (take(U'\\')) {
        escaped(set);
        if (peek() == U'-') failed_ = true;
      } else {
        const char32_t first = pattern_[at_++];
        char32_t last = first;
        if (peek() == U'-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != U']') {
          ++at_;
          last = pattern_[at_++];
          if (last == U'\\' || last == U'[' || last < first) failed_ = true;
        }
        set.add_range(first, last);
      }
    }
    if (is_negated) set.negate();
  }

  void escaped(CharacterSet& set) {
    const char32_t c = peek();
    ++at_;
    switch (c) {
      case U's': return set.add_spaces(false);
      case U'S': return set.add_spaces(true);
      case U'd': return set.add_categories(1u << unicode::kNd, false);
      case U'r': return set.add_range(U'\r', U'\r');
      case U'n': return set.add_range(U'\n', U'\n');
      case U't': return set.add_range(U'\t', U'\t');
      case U'p':
      case U'P': return set.add_categories(category(), c == U'P');
      default: break;
    }
    // Of what is neither a letter nor a digit, the character itself.
    const bool is_mark =
        c >= 0x21 && c < 0x7f && !(c >= U'0' && c <= U'9') && !((c | 0x20) >= U'a' && (c | 0x20) <= U'z');
    if (!is_mark) failed_ = true;
    set.add_range(c, c);
  }

  // {L}, {Lu} ...
  std::uint32_t category() {
    static constexpr std::pair<std::u32string_view, std::uint32_t> kNames[] = {
        {U"L", 0b11111u << unicode::kLu},   {U"M", 0b111u << unicode::kMn},  {U"N", 0b111u << unicode::kNd},
        {U"P", 0b1111111u << unicode::kPc}, {U"S", 0b1111u << unicode::kSm}, {U"Z", 0b111u << unicode::kZs},
        {U"Lu", 1u << unicode::kLu},        {U"Ll", 1u << unicode::kLl},     {U"Lt", 1u << unicode::kLt},
        {U"Lm", 1u << unicode::kLm},        {U"Lo", 1u << unicode::kLo},     {U"Mn", 1u << unicode::kMn},
        {U"Mc", 1u << unicode::kMc},        {U"Me", 1u << unicode::kMe},     {U"Nd", 1u << unicode::kNd},
        {U"Nl", 1u << unicode::kNl},        {U"No", 1u << unicode::kNo},     {U"Pc", 1u << unicode::kPc},
        {U"Pd", 1u << unicode::kPd},        {U"Ps", 1u << unicode::kPs},     {U"Pe", 1u << unicode::kPe},
        {U"Pi", 1u << unicode::kPi},        {U"Pf", 1u << unicode::kPf},     {U"Po", 1u << unicode::kPo},
        {U"Sm", 1u << unicode::kSm},        {U"Sc", 1u << unicode::kSc},     {U"Sk", 1u << unicode::kSk},
        {U"So", 1u << unicode::kSo},        {U"Zs", 1u << unicode::kZs},     {U"Cc", 1u << unicode::kCc},
    };
    const std::size_t close = pattern_.find(U'}', at_);
    if (!take(U'{') || close == std::u32string::npos) {
      failed_ = true;
      return 1;
    }
    const std::u32string_view name = std::u32string_view(pattern_).substr(at_, close - at_);
    at_ = close + 1;
    for (const auto& [known, categories] : kNames) {
      if (known == name) return categories;
    }
    failed_ = true;
    return 1;
  }

  std::uint32_t number() {
    std::uint32_t value = 0;
    constexpr std::uint32_t kGreatest = 10000;
    if (peek() < U'0' || peek() > U'9') failed_ = true;
    while (!failed_ && peek() >= U'0' && peek() <= U'9') {
      value = value * 10 + static_cast<std::uint32_t>(pattern_[at_++] - U'0');
      if (value > kGreatest) failed_ = true;
    }
    return value;
  }

  Atom quantified(Atom made) {
    const std::size_t before = at_;
    if (take(U'?')) {
      made.least = 0;
    } else if (take(U'*')) {
      made.least = 0;
      made.most = kUnlimited;
    } else if (take(U'+')) {
      made.most = kUnlimited;
    } else if (take(U'{')) {
      made.least = made.most = number();
      if (take(U',')) made.most = peek() == U'}' ? kUnlimited : number();
      if (!take(U'}') || made.most < made.least || made.most == 0) failed_ = true;
      // Oniguruma reads x{2}+ as a loop of loops.
      if (peek() == U'+' || peek() == U'?') failed_ = true;
    }
    if (at_ == before) return made;
    if (take(U'?'))
      made.greed = Greed::kLazy;
    else if (take(U'+'))
      made.greed = Greed::kPossessive;
    if (peek() == U'*' || peek() == U'+' || peek() == U'?' || peek() == U'{') failed_ = true;
    const bool is_optional = made.least == 0 && made.most == 1 && made.greed == Greed::kGreedy;
    if (made.kind == Atom::Kind::kLookAhead || (made.kind == Atom::Kind::kGroup && !is_optional)) failed_ = true;
    return made;
  }

  // Whether every match has a character.
  static bool consumes(const Branches& branches) {
    return std::all_of(branches.begin(), branches.end(), [](const std::vector<Atom>& branch) {
      return std::any_of(branch.begin(), branch.end(), [](const Atom& atom) {
        if (atom.least == 0 || atom.kind == Atom::Kind::kLookAhead) return false;
        return atom.kind == Atom::Kind::kSet || consumes(atom.branches);
      });
    });
  }

  NodeId emit(const Branches& branches, NodeId next) {
    std::vector<NodeId> starts;
    for (const std::vector<Atom>& branch : branches) {
      NodeId start = next;
      for (auto atom = branch.rbegin(); atom != branch.rend(); ++atom) start = emit(*atom, start);
      starts.push_back(start);
    }
    if (starts.size() == 1) return starts[0];
    Node node;
    node.kind = Node::Kind::kAlternatives;
    node.branches = std::move(starts);
    return add(std::move(node));
  }

  NodeId emit(const Atom& atom, NodeId next) {
    Node node;
    node.next = next;
    switch (atom.kind) {
      case Atom::Kind::kSet:
        node.kind = Node::Kind::kSet;
        node.set = atom.set;
        node.least = atom.least;
        node.most = atom.most;
        node.greed = atom.greed;
        break;
      case Atom::Kind::kGroup: {
        const NodeId start = emit(atom.branches, next);
        if (atom.least == 1) return start;
        node.kind = Node::Kind::kAlternatives;
        node.branches = {start, next};
        break;
      }
      case Atom::Kind::kLookAhead:
        node.kind = Node::Kind::kLookAhead;
        node.branches = {emit(atom.branches, kAcceptId)};
        node.is_negative = atom.is_negative;
        break;
    }
    return add(std::move(node));
  }

  NodeId add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<NodeId>(nodes_.size() - 1);
  }

  std::u32string pattern_;
  std::size_t at_ = 0;
  bool failed_ = false;
  std::vector<CharacterSet> sets_;
  std::vector<Node> nodes_;
  NodeId start_ = kAcceptId;
};

class Literal final : public Pattern {
 public:
  explicit Literal(std::string literal) : literal_(std::move(literal)) {}

  std::optional<Match> find(std::string_view text, std::size_t from) const override {
    const std::size_t at = literal_.empty() ? std::string_view::npos : text.find(literal_, from);
    if (at == std::string_view::npos) return std::nullopt;
    return Match{at, at + literal_.size()};
  }

 private:
  std::string literal_;
};

}  // namespace

PatternPtr literal_pattern(std::string literal) { return std::make_unique<Literal>(std::move(literal)); }

Result<PatternPtr> regex_pattern(std::string_view regex) {
  PatternPtr pattern = Parser(regex).parse();
  if (pattern == nullptr) return Status{Code::kUnsupported, "the regular expression " + std::string(regex)};
  return pattern;
}

}  // namespace stillvec::text
