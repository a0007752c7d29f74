#pragma once

#include <napi.h>

#include <memory>

#include "binding/object_wrap.h"
#include "training/trainer.h"

namespace stillvec::binding {

// new TokenColumn(): one column of a dataset, filled by append() and then handed to a TrainingRun.
class TokenColumn : public ObjectWrap<TokenColumn> {
 public:
  static constexpr const char* kName = "TokenColumn";
  static constexpr napi_type_tag kTypeTag = {0x70c5f1a8e24d9b36, 0xd16a3c8f4e50b792};

  static Napi::Function define(Napi::Env env);
  explicit TokenColumn(const Napi::CallbackInfo& info);

  // The column, from now on unchangeable. kInvalidArgument while an append is under way.
  Result<std::shared_ptr<const training::TokenColumn>> freeze();

 private:
  struct State {
    training::TokenColumn column;
    bool busy = false;    // JavaScript thread only
    bool frozen = false;  // likewise
  };

  void check_open(Napi::Env env) const;
  Napi::Value append(const Napi::CallbackInfo& info);
  Napi::Value append_column(const Napi::CallbackInfo& info);
  Napi::Value append_ids(const Napi::CallbackInfo& info);
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value tokens(const Napi::CallbackInfo& info);
  Napi::Value copy_ids(const Napi::CallbackInfo& info);
  Napi::Value copy_offsets(const Napi::CallbackInfo& info);
  Napi::Value map(const Napi::CallbackInfo& info);
  Napi::Value fingerprint(const Napi::CallbackInfo& info);

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace stillvec::binding
