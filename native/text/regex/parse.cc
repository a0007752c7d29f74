#include <optional>
#include <string>
#include <utility>

#include "text/regex/program.h"
#include "text/unicode/utf8.h"

namespace stillvec::text::regex {
namespace {

// A parsed part: made into nodes once what follows is known.
struct Atom {
  enum class Kind { kSet, kGroup, kPlace, kLook } kind = Kind::kSet;
  std::uint32_t set = 0, least = 1, most = 1;
  Greed greed = Greed::kGreedy;
  std::vector<std::vector<Atom>> branches;
  Place place = Place::kTextBegin;
  bool is_negative = false, is_behind = false;
  char32_t folded = 0;  // of a single letter in either case, the small one
};
using Branches = std::vector<std::vector<Atom>>;

bool may_be_empty(const Branches& branches);

bool may_be_empty(const Atom& atom) {
  if (atom.least == 0 || atom.kind == Atom::Kind::kPlace || atom.kind == Atom::Kind::kLook) return true;
  return atom.kind == Atom::Kind::kGroup && may_be_empty(atom.branches);
}

bool may_be_empty(const Branches& branches) {
  return std::any_of(branches.begin(), branches.end(), [](const std::vector<Atom>& branch) {
    return std::all_of(branch.begin(), branch.end(), [](const Atom& atom) { return may_be_empty(atom); });
  });
}

// How many characters `branch` has, if that is always the same.
std::optional<std::uint32_t> width_of(const std::vector<Atom>& branch) {
  std::uint32_t width = 0;
  for (const Atom& atom : branch) {
    if (atom.kind == Atom::Kind::kPlace || atom.kind == Atom::Kind::kLook) continue;
    if (atom.kind == Atom::Kind::kGroup || atom.least != atom.most) return std::nullopt;
    width += atom.least;
  }
  return width;
}

bool is_bounded(const Branches& branches) {
  return std::all_of(branches.begin(), branches.end(), [](const std::vector<Atom>& branch) {
    return std::all_of(branch.begin(), branch.end(), [](const Atom& atom) {
      return atom.most != kUnlimited && (atom.kind == Atom::Kind::kSet || is_bounded(atom.branches));
    });
  });
}

// Whether two letters in either case may also be one character, as "ss" may be a sharp s.
bool joins(char32_t first, char32_t second) {
  if (first == U's') return second == U's' || second == U't';
  return first == U'f' && (second == U'f' || second == U'i' || second == U'l');
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) {
    const std::uint8_t* const end = utf8::bytes(pattern) + pattern.size();
    for (const std::uint8_t* at = utf8::bytes(pattern); at < end;) {
      const utf8::Decoded next = utf8::decode(at, end);
      pattern_.push_back(next.code_point);
      at += next.size;
    }
    program_.nodes.emplace_back();
  }

  std::optional<Program> parse() {
    const Branches branches = alternatives(false, 0);
    if (at_ != pattern_.size()) failed_ = true;
    if (!failed_) program_.start = emit(branches, kAcceptId);
    if (failed_) return std::nullopt;
    for (CharacterSet& set : program_.sets) set.finish();
    return std::move(program_);
  }

 private:
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
        continue;
      }
      Atom next = quantified(atom(folds, depth));
      std::vector<Atom>& branch = branches.back();
      if (next.folded != 0 && !branch.empty() && joins(branch.back().folded, next.folded)) failed_ = true;
      branch.push_back(std::move(next));
    }
    return branches;
  }

  Atom atom(bool folds, int depth) {
    if (take(U'(')) return group(folds, depth);
    if (take(U'^')) return place(Place::kLineBegin);
    if (take(U'$')) return place(Place::kLineEnd);
    if (take(U"\\A")) return place(Place::kTextBegin);
    if (take(U"\\z")) return place(Place::kTextEnd);
    if (take(U"\\Z")) return place(Place::kLastLineEnd);
    if (take(U"\\b")) return place(Place::kWordEdge);
    if (take(U"\\B")) return place(Place::kNoWordEdge);
    Atom made;
    made.set = static_cast<std::uint32_t>(program_.sets.size());
    CharacterSet set;
    if (take(U'[')) {
      bracketed(set, folds, 0);
    } else if (take(U'\\')) {
      // What (?i) makes of a category has not been looked at.
      if (folds && (peek() | 0x20) == U'p') failed_ = true;
      escaped(set, false);
    } else if (take(U'.')) {
      set.add_range(U'\n', U'\n');
      set.negate();
    } else {
      const char32_t c = peek();
      constexpr std::u32string_view kSpecial = U"*+?{}]";
      if (kSpecial.find(c) != std::u32string_view::npos) failed_ = true;
      ++at_;
      set.add_range(c, c);
      if (folds) made.folded = fold(c, set);
    }
    program_.sets.push_back(std::move(set));
    return made;
  }

  static Atom place(Place place) {
    Atom made;
    made.kind = Atom::Kind::kPlace;
    made.place = place;
    return made;
  }

  Atom group(bool folds, int depth) {
    Atom made;
    made.kind = Atom::Kind::kGroup;
    if (take(U"?:")) {
    } else if (take(U"?i:")) {
      folds = true;
    } else if (take(U"?=") || take(U"?!") || take(U"?<=") || take(U"?<!")) {
      made.kind = Atom::Kind::kLook;
      made.is_negative = pattern_[at_ - 1] == U'!';
      made.is_behind = pattern_[at_ - 2] == U'<';
    } else if (peek() == U'?') {
      failed_ = true;
    }
    made.branches = alternatives(folds, depth + 1);
    if (!take(U')')) failed_ = true;
    // Looking far at every character would take the square of the text's length.
    if (made.kind == Atom::Kind::kLook && !is_bounded(made.branches)) failed_ = true;
    return made;
  }

  // Adds the other characters that are `c` but for their case; the small letter, or 0.
  char32_t fold(char32_t c, CharacterSet& set) {
    if (c >= 0x80) failed_ = true;
    const char32_t lower = c | 0x20;
    if (lower < U'a' || lower > U'z') return 0;
    set.add_range(c ^ 0x20, c ^ 0x20);
    if (lower == U's') set.add_range(0x17f, 0x17f);
    if (lower == U'k') set.add_range(0x212a, 0x212a);
    return lower;
  }

  // A class, after its bracket: a union, or several of them with && between, of which it is the intersection.
  void bracketed(CharacterSet& set, bool folds, int depth) {
    constexpr int kDeepest = 50;
    if (depth > kDeepest) failed_ = true;
    const bool is_negated = take(U'^');
    if (peek() == U']') failed_ = true;
    CharacterSet* part = &set;
    std::vector<CharacterSet> limits;
    while (!failed_ && !take(U']')) {
      if (at_ >= pattern_.size() || take(U"[:")) {
        failed_ = true;
      } else if (take(U"&&")) {
        if (peek() == U']' || peek() == U'&') failed_ = true;
        limits.emplace_back();
        part = &limits.back();
      } else if (take(U'[')) {
        CharacterSet inner;
        bracketed(inner, folds, depth + 1);
        part->add_set(std::move(inner));
      } else {
        member(*part, folds);
      }
    }
    for (CharacterSet& limit : limits) set.intersect(std::move(limit));
    if (is_negated) set.negate();
  }

  // A character, a range or an escape of a class.
  void member(CharacterSet& set, bool folds) {
    if (take(U'\\')) {
      if (folds && (peek() | 0x20) == U'p') failed_ = true;
      escaped(set, true);
      if (peek() == U'-' && (at_ + 1 >= pattern_.size() || pattern_[at_ + 1] != U']')) failed_ = true;
      return;
    }
    const char32_t first = pattern_[at_++];
    char32_t last = first;
    if (peek() == U'-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != U']') {
      ++at_;
      last = pattern_[at_++];
      if (last == U'\\' || last == U'[' || last < first) failed_ = true;
      if (last == U'&' && peek() == U'&') failed_ = true;
    }
    set.add_range(first, last);
    if (!folds) return;
    if (last >= 0x80) failed_ = true;
    for (char32_t c = first; c <= last && !failed_; ++c) fold(c, set);
  }

  void escaped(CharacterSet& set, bool in_class) {
    const char32_t c = peek();
    ++at_;
    switch (c) {
      case U's': return set.add_properties(unicode::kSpace, false);
      case U'S': return set.add_properties(unicode::kSpace, true);
      case U'd': return set.add_categories(1u << unicode::kNd, false);
      case U'D': return set.add_categories(1u << unicode::kNd, true);
      case U'w':
      case U'W': {
        CharacterSet words = in_class ? word_characters<true>() : word_characters<false>();
        if (c == U'W') words.negate();
        return set.add_set(std::move(words));
      }
      case U'r': return set.add_range(U'\r', U'\r');
      case U'n': return set.add_range(U'\n', U'\n');
      case U't': return set.add_range(U'\t', U'\t');
      case U'f': return set.add_range(U'\f', U'\f');
      case U'v': return set.add_range(U'\v', U'\v');
      case U'x': return hexadecimal(set, take(U'{') ? 0 : 2);
      case U'u': return hexadecimal(set, 4);
      case U'p':
      case U'P': return set.add_categories(category(), c == U'P');
      default: break;
    }
    // Of what is neither a letter nor a digit, the character itself.
    const bool is_mark =
        c >= 0x20 && c < 0x7f && !(c >= U'0' && c <= U'9') && !((c | 0x20) >= U'a' && (c | 0x20) <= U'z');
    if (!is_mark) failed_ = true;
    set.add_range(c, c);
  }

  // The character of a code of `digits` hexadecimal digits; of 0, of any number of them up to a brace.
  void hexadecimal(CharacterSet& set, int digits) {
    constexpr char32_t kGreatest = 0x10ffff;
    char32_t code = 0;
    int count = 0;
    for (; digits == 0 || count < digits; ++count) {
      const char32_t digit = peek() | 0x20;
      const bool is_letter = digit >= U'a' && digit <= U'f';
      if (!is_letter && (peek() < U'0' || peek() > U'9')) break;
      code = code * 16 + (is_letter ? digit - U'a' + 10 : peek() - U'0');
      ++at_;
      if (code > kGreatest) failed_ = true;
      if (failed_) return;
    }
    // A byte of several is no character here.
    if (count == 0 || (digits != 0 && count < digits) || (digits == 2 && code >= 0x80)) failed_ = true;
    if (digits == 0 && !take(U'}')) failed_ = true;
    set.add_range(code, code);
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
    made.folded = 0;
    if (take(U'?'))
      made.greed = Greed::kLazy;
    else if (take(U'+'))
      made.greed = Greed::kPossessive;
    if (peek() == U'*' || peek() == U'+' || peek() == U'?' || peek() == U'{') failed_ = true;
    if (made.kind == Atom::Kind::kPlace || made.kind == Atom::Kind::kLook) failed_ = true;
    if (made.kind == Atom::Kind::kGroup) {
      // How engines leave a loop whose body is empty differs.
      if (made.greed == Greed::kPossessive || may_be_empty(made.branches)) failed_ = true;
    }
    return made;
  }

  NodeId emit(const Branches& branches, NodeId next) {
    std::vector<NodeId> starts;
    for (const std::vector<Atom>& branch : branches) starts.push_back(emit(branch, next));
    return split(std::move(starts));
  }

  NodeId emit(const std::vector<Atom>& branch, NodeId next) {
    for (auto atom = branch.rbegin(); atom != branch.rend(); ++atom) next = emit(*atom, next);
    return next;
  }

  NodeId emit(const Atom& atom, NodeId next) {
    switch (atom.kind) {
      case Atom::Kind::kSet: return emit_set(atom, next);
      case Atom::Kind::kGroup: return emit_group(atom, next);
      default: break;
    }
    Node node;
    node.next = next;
    node.place = atom.place;
    node.is_negative = atom.is_negative;
    node.kind = atom.kind == Atom::Kind::kPlace ? Node::Kind::kPlace : Node::Kind::kLook;
    for (const std::vector<Atom>& branch : atom.branches) {
      node.branches.push_back(emit(branch, kAcceptId));
      if (!atom.is_behind) continue;
      const std::optional<std::uint32_t> width = width_of(branch);
      if (!width) failed_ = true;
      node.widths.push_back(width.value_or(0));
    }
    return add(std::move(node));
  }

  NodeId emit_set(const Atom& atom, NodeId next) {
    Node node;
    node.kind = atom.least == 1 && atom.most == 1 ? Node::Kind::kSet : Node::Kind::kRun;
    node.next = next;
    node.set = atom.set;
    node.least = atom.least;
    node.most = atom.most;
    node.greed = atom.greed;
    if (atom.most != kUnlimited || atom.least <= 1) return add(std::move(node));
    node.least = 0;
    Node first = node;
    first.least = first.most = atom.least;
    first.next = add(std::move(node));
    return add(std::move(first));
  }

  NodeId emit_group(const Atom& atom, NodeId next) {
    const auto either = [&](NodeId body, NodeId after) {
      return atom.greed == Greed::kLazy ? std::vector<NodeId>{after, body} : std::vector<NodeId>{body, after};
    };
    NodeId start = next;
    std::uint32_t needed = atom.least;
    if (atom.most == kUnlimited) {
      const NodeId loop = split({next, next});
      const NodeId body = emit(atom.branches, loop);
      program_.nodes[loop].branches = either(body, next);
      start = needed == 0 ? loop : body;
      if (needed > 0) --needed;
    } else {
      for (std::uint32_t i = atom.least; i < atom.most && !failed_; ++i) {
        start = split(either(emit(atom.branches, start), next));
      }
    }
    for (std::uint32_t i = 0; i < needed && !failed_; ++i) start = emit(atom.branches, start);
    return start;
  }

  NodeId split(std::vector<NodeId> branches) {
    if (branches.size() == 1) return branches[0];
    Node node;
    node.kind = Node::Kind::kSplit;
    node.branches = std::move(branches);
    return add(std::move(node));
  }

  NodeId add(Node node) {
    constexpr std::size_t kMostNodes = 512;
    if (program_.nodes.size() == kMostNodes) failed_ = true;
    if (failed_) return kAcceptId;
    program_.nodes.push_back(std::move(node));
    return static_cast<NodeId>(program_.nodes.size() - 1);
  }

  std::u32string pattern_;
  std::size_t at_ = 0;
  bool failed_ = false;
  Program program_;
};

}  // namespace

std::optional<Program> parse(std::string_view pattern) { return Parser(pattern).parse(); }

}  // namespace stillvec::text::regex
