#include "text/steps/splits.h"

#include <array>
#include <utility>
#include <vector>

#include "text/unicode/tables.h"
#include "text/unicode/utf8.h"

namespace stillvec::text {
namespace {

// Takes the matches of a text and what lies between them, in order, and makes pieces of them. A match may be empty: no
// piece, but it keeps what is beside it apart.
class Splitter {
 public:
  Splitter(std::string_view text, SplitBehavior behavior, Pieces& out) : text_(text), behavior_(behavior), out_(out) {}

  void add(std::size_t begin, std::size_t end, bool is_match) {
    const std::string_view part = text_.substr(begin, end - begin);
    switch (behavior_) {
      case SplitBehavior::kRemoved:
        if (!is_match) out_.add(part);
        break;
      case SplitBehavior::kIsolated: out_.add(part); break;
      case SplitBehavior::kContiguous: put(part, !is_first_ && is_match == was_match_); break;
      case SplitBehavior::kMergedWithPrevious: put(part, !is_first_ && is_match && !was_match_); break;
      case SplitBehavior::kMergedWithNext:
        // A match joins what follows unless that is a match itself.
        put(part, !is_match && was_match_);
        break;
    }
    was_match_ = is_match;
    was_empty_ = part.empty();
    is_first_ = false;
  }

  // What lies between two matches, which may be nothing.
  void add_between(std::size_t begin, std::size_t end, bool is_match) {
    if (begin < end) add(begin, end, is_match);
  }

 private:
  void put(std::string_view part, bool joins) {
    if (joins && !was_empty_) {
      out_.extend(part);
    } else {
      out_.add(part);
    }
  }

  std::string_view text_;
  SplitBehavior behavior_;
  Pieces& out_;
  bool was_match_ = false, was_empty_ = false, is_first_ = true;
};

class PatternSplit final : public PreTokenizer {
 public:
  PatternSplit(PatternPtr pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void split(std::string_view piece, bool, Pieces& out) const override {
    Splitter splitter(piece, behavior_, out);
    std::size_t done = 0;
    pattern_->for_each_match(piece, [&](Match match) {
      splitter.add_between(done, match.begin, invert_);
      splitter.add(match.begin, match.end, !invert_);
      done = match.end;
    });
    splitter.add_between(done, piece.size(), invert_);
  }

 private:
  PatternPtr pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

// Splits at each character that `IsMatch` holds for.
template <typename IsMatch>
class CharacterSplit final : public PreTokenizer {
 public:
  CharacterSplit(IsMatch is_match, SplitBehavior behavior) : is_match_(is_match), behavior_(behavior) {}

  void split(std::string_view piece, bool, Pieces& out) const override {
    Splitter splitter(piece, behavior_, out);
    const std::uint8_t* const begin = utf8::bytes(piece);
    const std::uint8_t* const end = begin + piece.size();
    std::size_t done = 0;
    for (const std::uint8_t* at = begin; at < end;) {
      const utf8::Decoded next = utf8::decode(at, end);
      const auto from = static_cast<std::size_t>(at - begin);
      at += next.size;
      if (!is_match_(next.code_point)) continue;
      splitter.add_between(done, from, false);
      splitter.add(from, from + next.size, true);
      done = from + next.size;
    }
    splitter.add_between(done, piece.size(), false);
  }

 private:
  IsMatch is_match_;
  SplitBehavior behavior_;
};

template <unicode::Property kProperty>
struct Has {
  bool operator()(char32_t c) const { return (unicode::properties(c) & kProperty) != 0; }
};

struct Is {
  char32_t character;
  bool operator()(char32_t c) const { return c == character; }
};

template <typename IsMatch>
PreTokenizerPtr split_where(IsMatch is_match, SplitBehavior behavior) {
  return std::make_unique<CharacterSplit<IsMatch>>(is_match, behavior);
}

class BertSplit final : public PreTokenizer {
 public:
  void split(std::string_view piece, bool, Pieces& out) const override {
    const std::uint8_t* const begin = utf8::bytes(piece);
    const std::uint8_t* const end = begin + piece.size();
    std::size_t done = 0;
    for (const std::uint8_t* at = begin; at < end;) {
      const utf8::Decoded next = utf8::decode(at, end);
      const auto from = static_cast<std::size_t>(at - begin);
      at += next.size;
      const std::uint8_t properties = unicode::properties(next.code_point);
      if (!(properties & (unicode::kSpace | unicode::kPunctuation))) continue;
      out.add(piece.substr(done, from - done));
      if (!(properties & unicode::kSpace)) out.add(piece.substr(from, next.size));
      done = from + next.size;
    }
    out.add(piece.substr(done));
  }
};

class WordSplit final : public PreTokenizer {
 public:
  WordSplit() {
    for (char32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = look_up(c);
  }

  void split(std::string_view piece, bool, Pieces& out) const override {
    const std::uint8_t* const begin = utf8::bytes(piece);
    const std::uint8_t* const end = begin + piece.size();
    Kind before = kNone;
    std::size_t start = 0;
    for (const std::uint8_t* at = begin; at < end;) {
      const utf8::Decoded next = utf8::decode(at, end);
      const Kind kind = next.code_point < ascii_.size() ? ascii_[next.code_point] : look_up(next.code_point);
      if (kind != before) {
        const auto from = static_cast<std::size_t>(at - begin);
        if (before != kNone) out.add(piece.substr(start, from - start));
        start = from;
        before = kind;
      }
      at += next.size;
    }
    if (before != kNone) out.add(piece.substr(start));
  }

 private:
  enum Kind : std::uint8_t { kNone, kWordRun, kOther };

  static Kind look_up(char32_t c) {
    const std::uint8_t properties = unicode::properties(c);
    return properties & unicode::kWord ? kWordRun : properties & unicode::kSpace ? kNone : kOther;
  }

  std::array<Kind, 128> ascii_;
};

class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(std::size_t characters) : characters_(characters) {}

  void split(std::string_view piece, bool, Pieces& out) const override {
    const std::uint8_t* const begin = utf8::bytes(piece);
    const std::uint8_t* const end = begin + piece.size();
    for (const std::uint8_t* at = begin; at < end;) {
      const std::uint8_t* const from = at;
      for (std::size_t count = 0; count < characters_ && at < end; ++count) at += utf8::decode(at, end).size;
      out.add(piece.substr(static_cast<std::size_t>(from - begin), static_cast<std::size_t>(at - from)));
    }
  }

 private:
  std::size_t characters_;
};

}  // namespace

PreTokenizerPtr split_at(PatternPtr pattern, SplitBehavior behavior, bool invert) {
  return std::make_unique<PatternSplit>(std::move(pattern), behavior, invert);
}

PreTokenizerPtr bert_pre_tokenizer() { return std::make_unique<BertSplit>(); }

PreTokenizerPtr split_at_character(char32_t delimiter) { return split_where(Is{delimiter}, SplitBehavior::kRemoved); }

PreTokenizerPtr split_digits(bool individually) {
  return split_where(Has<unicode::kNumeric>{}, individually ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
}

PreTokenizerPtr split_at_punctuation(SplitBehavior behavior) {
  return split_where(Has<unicode::kPunctuation>{}, behavior);
}

PreTokenizerPtr split_at_spaces() { return split_where(Has<unicode::kSpace>{}, SplitBehavior::kRemoved); }

PreTokenizerPtr split_words() { return std::make_unique<WordSplit>(); }

PreTokenizerPtr split_after(std::size_t characters) { return std::make_unique<FixedLength>(characters); }

}  // namespace stillvec::text
