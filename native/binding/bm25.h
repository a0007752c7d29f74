#pragma once

#include <napi.h>

#include <memory>

#include "binding/object_wrap.h"
#include "search/bm25.h"

namespace stillvec::binding {

// new Bm25(settings): an index without documents. Immutable but for release(): what changes it makes another one.
class Bm25 : public ObjectWrap<Bm25> {
 public:
  static constexpr const char* kName = "Bm25";
  static constexpr napi_type_tag kTypeTag = {0x8d27f4a3e1b9056c, 0xc64e92d07af1835b};

  static Napi::Function define(Napi::Env env);
  explicit Bm25(const Napi::CallbackInfo& info);

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value add(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value search(const Napi::CallbackInfo& info);
  Napi::Value scores(const Napi::CallbackInfo& info);
  Napi::Value byte_length(const Napi::CallbackInfo& info);
  Napi::Value copy(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);

  struct State {
    std::shared_ptr<const search::Bm25> index;
    bool busy = false;  // being replaced by what changes it; JavaScript thread only
  };

  void check_idle(Napi::Env env) const;

  search::Bm25Settings settings_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace stillvec::binding
