#pragma once

#include <napi.h>

#include <memory>

#include "binding/object_wrap.h"
#include "model/word_vectors.h"

namespace stillvec::binding {

// new WordVectors(limit): a file of word vectors that is read by one append at a time.
class WordVectors : public ObjectWrap<WordVectors> {
 public:
  static constexpr const char* kName = "WordVectors";
  static constexpr napi_type_tag kTypeTag = {0x8c1d27e94fb0a365, 0xa4e69d0185c37bf2};

  static Napi::Function define(Napi::Env env);
  explicit WordVectors(const Napi::CallbackInfo& info);

 private:
  struct State {
    explicit State(std::size_t limit) : vectors(limit) {}
    model::WordVectors vectors;
    bool busy = false;  // JavaScript thread only
  };

  void check_free(Napi::Env env) const;
  Napi::Value append(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
  Napi::Value take_table(const Napi::CallbackInfo& info);

  std::shared_ptr<State> state_;
};

}  // namespace stillvec::binding
