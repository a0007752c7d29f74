#include <napi.h>

#include <string>

#include "binding/bm25.h"
#include "binding/cancellation.h"
#include "binding/checksum.h"
#include "binding/document_frequencies.h"
#include "binding/encoder.h"
#include "binding/environment.h"
#include "binding/quantization.h"
#include "binding/row_buffer.h"
#include "binding/search.h"
#include "binding/table.h"
#include "binding/token_column.h"
#include "binding/tokenizer.h"
#include "binding/tokenizer_steps.h"
#include "binding/training_evaluation.h"
#include "binding/training_run.h"
#include "binding/word_bags.h"
#include "binding/word_vectors.h"
#include "runtime/cpu.h"

namespace stillvec::binding {
namespace {

// info(): { isa, bestIsa, bfloat16, threads }
Napi::Value info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CpuFeatures& features = cpu();
  Napi::Object result = Napi::Object::New(env);
  result.Set("isa", std::string(isa_name(features.active)));
  result.Set("bestIsa", std::string(isa_name(features.best)));
  result.Set("bfloat16", features.avx512_bf16 || features.neon_bf16 || features.active == Isa::kAmx);
  result.Set("threads", Environment::of(env).pool().size());
  return result;
}

// setErrorType(toPublic: (error: Error) => unknown): void. From now on the addon throws what `toPublic` makes of its
// errors.
Napi::Value set_error_type(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) fail_argument(info.Env(), "expected a function for toPublic");
  Environment::of(info.Env()).error_type = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  Environment::initialize(env);
  exports.Set("Tokenizer", Tokenizer::define(env));
  exports.Set("Table", Table::define(env));
  exports.Set("RowBuffer", RowBuffer::define(env));
  exports.Set("Cancellation", Cancellation::define(env));
  export_function<is_shared>(env, exports, "isShared");
  exports.Set("Encoder", Encoder::define(env));
  exports.Set("TokenColumn", TokenColumn::define(env));
  exports.Set("TrainingRun", TrainingRun::define(env));
  exports.Set("WordBags", WordBags::define(env));
  exports.Set("WordVectors", WordVectors::define(env));
  exports.Set("Bm25", Bm25::define(env));
  export_function<supports_pattern>(env, exports, "supportsPattern");
  export_function<info>(env, exports, "info");
  export_function<set_error_type>(env, exports, "setErrorType");
  define_checksum(env, exports);
  define_quantization(env, exports);
  define_document_frequencies(env, exports);
  define_search(env, exports);
  define_training_evaluation(env, exports);
  return exports;
}

NODE_API_MODULE(stillvec, initialize)

}  // namespace
}  // namespace stillvec::binding
