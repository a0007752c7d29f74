#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stillvec::text {

// Pieces of a text, one after the other. None is empty.
class Pieces {
 public:
  void add(std::string_view piece) {
    if (piece.empty()) return;
    text_ += piece;
    ends_.push_back(text_.size());
  }

  // Appends to the last piece.
  void extend(std::string_view text) {
    text_ += text;
    ends_.back() = text_.size();
  }

  void clear() {
    text_.clear();
    ends_.clear();
  }

  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }

  std::size_t capacity() const { return text_.capacity() + ends_.capacity(); }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

// A step that splits a piece of text, and may change it. Immutable.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  // Appends the pieces of `piece`, which is well-formed UTF-8. `opens_text`: nothing of the text stands before it.
  virtual void split(std::string_view piece, bool opens_text, Pieces& out) const = 0;

  // Whether a piece stays one, so that this can be done for each word that is not in a cache.
  virtual bool is_whole() const { return false; }
};

using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

}  // namespace stillvec::text
