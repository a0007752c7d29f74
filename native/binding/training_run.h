#pragma once

#include <napi.h>

#include <memory>

#include "binding/object_wrap.h"
#include "training/run.h"

namespace stillvec::binding {

// new TrainingRun(table, sources, losses, config): a training::Run and the data that it draws from.
class TrainingRun : public ObjectWrap<TrainingRun> {
 public:
  static constexpr const char* kName = "TrainingRun";
  static constexpr napi_type_tag kTypeTag = {0xe8421d7c93b5f06a, 0x05f9d2b7a16c8e43};

  static Napi::Function define(Napi::Env env);
  explicit TrainingRun(const Napi::CallbackInfo& info);

 private:
  struct State;

  void check_idle(Napi::Env env) const;
  Napi::Value build(const Napi::CallbackInfo& info);
  Napi::Value count_steps(const Napi::CallbackInfo& info);
  Napi::Value advance(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
  Napi::Value snapshot(const Napi::CallbackInfo& info);
  Napi::Value finish(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value copy_state(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
  Napi::Value gradient(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);

  std::shared_ptr<State> state_;
};

}  // namespace stillvec::binding
