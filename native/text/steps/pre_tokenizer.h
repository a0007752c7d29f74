#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stillvec::text {

// Pieces of a text, one after the other, as views of it or of an arena. None is empty.
class Pieces {
 public:
  // `arena` keeps the pieces that are no part of the text.
  explicit Pieces(std::deque<std::string>& arena) : arena_(arena) {}

  void add(std::string_view piece) {
    if (!piece.empty()) pieces_.push_back(piece);
  }

  // Puts a changed text where its pieces may be views of it.
  std::string_view keep(std::string text) { return arena_.emplace_back(std::move(text)); }
  void add_changed(std::string piece) { add(keep(std::move(piece))); }

  // Makes the last piece longer: `part` follows it in memory.
  void extend(std::string_view part) { pieces_.back() = {pieces_.back().data(), pieces_.back().size() + part.size()}; }

  void clear() { pieces_.clear(); }
  void swap(Pieces& other) noexcept { pieces_.swap(other.pieces_); }
  std::vector<std::string_view>& views() { return pieces_; }

 private:
  std::deque<std::string>& arena_;
  std::vector<std::string_view> pieces_;
};

// A step that splits a piece of text, and may change it. Immutable.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  // Appends the pieces of `piece`, which is well-formed UTF-8 and outlives them. `opens_text`: nothing of the text
  // stands before it.
  virtual void split(std::string_view piece, bool opens_text, Pieces& out) const = 0;

  // Whether `opens_text` makes a difference.
  virtual bool asks_for_beginning() const { return false; }

  // Whether a piece stays one, so that this can be done for each word that is not in a cache.
  virtual bool is_whole() const { return false; }
};

using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

}  // namespace stillvec::text
