#include "text/steps/metaspace.h"

#include <utility>

namespace stillvec::text {
namespace {

class Metaspace final : public PreTokenizer {
 public:
  Metaspace(std::string replacement, PrependScheme scheme, bool splits)
      : replacement_(std::move(replacement)), scheme_(scheme), splits_(splits) {}

  void split(std::string_view piece, bool opens_text, Pieces& out) const override {
    std::string replaced;
    replaced.reserve(piece.size() + 2 * replacement_.size());
    const bool has_first = piece.starts_with(' ') || piece.starts_with(replacement_);
    if (!has_first && (scheme_ == PrependScheme::kAlways || (scheme_ == PrependScheme::kFirst && opens_text))) {
      replaced = replacement_;
    }
    for (std::size_t done = 0;;) {
      const std::size_t space = piece.find(' ', done);
      replaced += piece.substr(done, space - done);
      if (space == std::string_view::npos) break;
      replaced += replacement_;
      done = space + 1;
    }
    if (!splits_) return out.add_changed(std::move(replaced));
    const std::string_view text = out.keep(std::move(replaced));
    std::size_t start = 0;
    for (std::size_t at = text.find(replacement_); at != std::string_view::npos;) {
      if (at > start) out.add(text.substr(start, at - start));
      start = at;
      at = text.find(replacement_, at + replacement_.size());
    }
    out.add(text.substr(start));
  }

  bool asks_for_beginning() const override { return scheme_ == PrependScheme::kFirst; }

 private:
  std::string replacement_;
  PrependScheme scheme_;
  bool splits_;
};

}  // namespace

PreTokenizerPtr metaspace(std::string replacement, PrependScheme scheme, bool splits) {
  return std::make_unique<Metaspace>(std::move(replacement), scheme, splits);
}

}  // namespace stillvec::text
