#pragma once

#include <napi.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "binding/errors.h"

namespace stillvec::binding {

// The C++ half of a class of JavaScript. As Napi::ObjectWrap, but a method or a getter that is called on anything else
// than an object of its class fails, whatever that is: objects bear the class's type tag. `T` has kName, kTypeTag and a
// constructor from Napi::CallbackInfo.
template <typename T>
class ObjectWrap {
 public:
  using Method = Napi::Value (T::*)(const Napi::CallbackInfo&);
  using Function = Napi::Value (*)(const Napi::CallbackInfo&);

  // The T behind `value`; null where there is none.
  static T* find(const Napi::Value& value) {
    bool is_tagged = false;
    void* object = nullptr;
    if (napi_check_object_type_tag(value.Env(), value, &T::kTypeTag, &is_tagged) != napi_ok || !is_tagged ||
        napi_unwrap(value.Env(), value, &object) != napi_ok) {
      return nullptr;
    }
    return static_cast<T*>(object);
  }

 protected:
  ~ObjectWrap() = default;

  Napi::Env env() const { return env_; }

  static Napi::Function define_class(Napi::Env env, std::initializer_list<napi_property_descriptor> properties) {
    napi_value constructor = nullptr;
    const napi_status status = napi_define_class(env, T::kName, NAPI_AUTO_LENGTH, construct, nullptr, properties.size(),
                                                 properties.begin(), &constructor);
    if (status != napi_ok) throw Napi::Error::New(env);
    return Napi::Function(env, constructor);
  }

  template <Method method>
  static napi_property_descriptor instance_method(const char* name) {
    return {name, nullptr, call<method>, nullptr, nullptr, nullptr, napi_default, nullptr};
  }

  template <Method getter>
  static napi_property_descriptor instance_accessor(const char* name) {
    return {name, nullptr, nullptr, call<getter>, nullptr, nullptr, napi_default, nullptr};
  }

  template <Function function>
  static napi_property_descriptor static_method(const char* name) {
    return {name, nullptr, guarded_function<function>, nullptr, nullptr, nullptr, napi_static, nullptr};
  }

 private:
  friend T;
  explicit ObjectWrap(const Napi::CallbackInfo& info) : env_(info.Env()) {}

  static napi_value construct(napi_env env, napi_callback_info raw) noexcept {
    return guarded(env, [&]() -> napi_value {
      const Napi::CallbackInfo info(env, raw);
      if (!info.IsConstructCall()) fail_argument(env, std::string(T::kName) + " is a class: call it with new");
      auto object = std::make_unique<T>(info);
      const Napi::Value self = info.This();
      if (napi_type_tag_object(env, self, &T::kTypeTag) != napi_ok ||
          napi_wrap(env, self, object.get(), destroy, nullptr, nullptr) != napi_ok) {
        throw Napi::Error::New(env);
      }
      static_cast<void>(object.release());  // destroy() has it
      return self;
    });
  }

  static void destroy(napi_env, void* object, void*) { delete static_cast<T*>(object); }

  template <Method method>
  static napi_value call(napi_env env, napi_callback_info raw) noexcept {
    return guarded(env, [&]() -> napi_value {
      const Napi::CallbackInfo info(env, raw);
      T* self = find(info.This());
      if (self == nullptr) fail_argument(env, std::string("expected a native ") + T::kName + " for this");
      return (self->*method)(info);
    });
  }

  const Napi::Env env_;
};

}  // namespace stillvec::binding
