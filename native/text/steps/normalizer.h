#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace stillvec::text {

// A step from a text to another. Immutable.
class Normalizer {
 public:
  virtual ~Normalizer() = default;

  // Appends to `out` what becomes of `text`, which is well-formed UTF-8 and not in `out`.
  virtual void apply(std::string_view text, std::string& out) const = 0;
};

using NormalizerPtr = std::unique_ptr<const Normalizer>;

}  // namespace stillvec::text
