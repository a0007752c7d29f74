#include <napi.h>

#include "runtime/cpu.h"

namespace stillvec::binding {
namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("isa", Napi::String::New(env, std::string(isa_name(cpu().active))));
  return exports;
}

}  // namespace

NODE_API_MODULE(stillvec, initialize)

}  // namespace stillvec::binding
