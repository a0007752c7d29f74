#pragma once

#include <napi.h>

#include <memory>

#include "binding/object_wrap.h"
#include "model/encoder.h"

namespace stillvec::binding {

// new Encoder(tokenizer | null, table, pooling)
class Encoder : public ObjectWrap<Encoder> {
 public:
  static constexpr const char* kName = "Encoder";
  static constexpr napi_type_tag kTypeTag = {0x93d2b6a80f4e71c5, 0x6b18e0c7a5d94f32};

  static Napi::Function define(Napi::Env env);
  explicit Encoder(const Napi::CallbackInfo& info);

  const std::shared_ptr<const model::Encoder>& encoder() const { return encoder_; }

 private:
  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value encode_sync(const Napi::CallbackInfo& info);
  Napi::Value encode_text(const Napi::CallbackInfo& info);
  Napi::Value pool_ids(const Napi::CallbackInfo& info);
  Napi::Value tokenize(const Napi::CallbackInfo& info);
  // Lets go of table and tokenizer now rather than when V8 finds nobody using this object.
  Napi::Value release(const Napi::CallbackInfo& info);

  std::shared_ptr<const model::Encoder> encoder_;
};

}  // namespace stillvec::binding
