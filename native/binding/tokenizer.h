#pragma once

#include <napi.h>

#include <memory>

#include "binding/object_wrap.h"
#include "text/tokenizer.h"

namespace stillvec::binding {

// new Tokenizer(vocabulary: joined, count, string[], config)
class Tokenizer : public ObjectWrap<Tokenizer> {
 public:
  static constexpr const char* kName = "Tokenizer";
  static constexpr napi_type_tag kTypeTag = {0x5b0c7c9de3a14f01, 0xa2f3e7b8c1d54e60};

  static Napi::Function define(Napi::Env env);
  explicit Tokenizer(const Napi::CallbackInfo& info);

  const std::shared_ptr<const text::WordPieceTokenizer>& tokenizer() const { return tokenizer_; }

 private:
  std::shared_ptr<const text::WordPieceTokenizer> tokenizer_;
};

}  // namespace stillvec::binding
