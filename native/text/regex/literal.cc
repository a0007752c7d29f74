#include "text/regex/pattern.h"

namespace stillvec::text {
namespace {

class Literal final : public Pattern {
 public:
  explicit Literal(std::string literal) : literal_(std::move(literal)) {}

 private:
  void search(std::string_view text, Taker& taker) const override {
    if (literal_.empty()) return;
    for (std::size_t at = 0; (at = text.find(literal_, at)) != std::string_view::npos; at += literal_.size()) {
      taker.take({at, at + literal_.size()});
    }
  }

  std::string literal_;
};

}  // namespace

PatternPtr literal_pattern(std::string literal) { return std::make_unique<Literal>(std::move(literal)); }

}  // namespace stillvec::text
