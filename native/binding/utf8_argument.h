#pragma once

#include <napi.h>

#include <string>
#include <string_view>

#include "binding/errors.h"

namespace stillvec::binding {

// A string among the arguments, as UTF-8; lone surrogates become U+FFFD. A short one is copied by one call, and takes
// no memory.
class Utf8Argument {
 public:
  Utf8Argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
    const Napi::Env env = info.Env();
    std::size_t size = 0;
    if (napi_get_value_string_utf8(env, info[index], short_, sizeof short_, &size) != napi_ok) {
      fail_argument(env, std::string("expected a string for ") + name);
    }
    if (size + kLongestCharacter < sizeof short_) {
      text_ = {short_, size};
      return;
    }
    napi_get_value_string_utf8(env, info[index], nullptr, 0, &size);
    long_.resize(size + 1);
    napi_get_value_string_utf8(env, info[index], long_.data(), size + 1, &size);
    text_ = {long_.data(), size};
  }
  Utf8Argument(const Utf8Argument&) = delete;
  Utf8Argument& operator=(const Utf8Argument&) = delete;

  std::string_view text() const { return text_; }

 private:
  // Where less room than this is left, there may be more of the string.
  static constexpr std::size_t kLongestCharacter = 4;

  char short_[1024];
  std::string long_;
  std::string_view text_;
};

}  // namespace stillvec::binding
