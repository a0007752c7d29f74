#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "binding/object_wrap.h"
#include "runtime/status.h"
#include "text/tokenizer.h"

namespace stillvec::binding {

// new Tokenizer(vocabulary: joined, count, string[], config)
class Tokenizer : public ObjectWrap<Tokenizer> {
 public:
  static constexpr const char* kName = "Tokenizer";
  static constexpr napi_type_tag kTypeTag = {0x5b0c7c9de3a14f01, 0xa2f3e7b8c1d54e60};

  static Napi::Function define(Napi::Env env);
  explicit Tokenizer(const Napi::CallbackInfo& info);

  // Null until it is built.
  const std::shared_ptr<const text::Tokenizer>& tokenizer() const { return state_->tokenizer; }

 private:
  struct State {
    std::shared_ptr<const text::Tokenizer> tokenizer;
  };

  Napi::Value build(const Napi::CallbackInfo& info);

  // Makes the tokenizer, on any thread. Until build().
  std::function<Result<std::shared_ptr<const text::Tokenizer>>()> make_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace stillvec::binding
