#include "binding/document_frequencies.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/cancellation.h"
#include "binding/environment.h"
#include "binding/task.h"
#include "binding/token_column.h"
#include "training/document_frequencies.h"

namespace stillvec::binding {
namespace {

// documentFrequencies(columns, tokens, cancellation): Promise<Float64Array>
Napi::Value document_frequencies(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) fail_argument(env, "expected an array for columns");
  const auto array = info[0].As<Napi::Array>();
  std::vector<std::shared_ptr<const training::TokenColumn>> columns;
  columns.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    columns.push_back(unwrap(env, object_value<TokenColumn>(array.Get(i), "columns").freeze()));
  }
  return run_on_thread(env,
                       [columns = std::move(columns), tokens = integer_argument(info, 1, "tokens"),
                        cancelled = object_argument<Cancellation>(info, 2, "cancellation").flag(),
                        &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
                         auto counts =
                             training::document_frequencies(pool, columns, tokens, [&] { return ended || *cancelled; });
                         return [counts = std::move(counts)](Napi::Env settled) -> Napi::Value {
                           const std::vector<std::uint64_t>& values = unwrap(settled, counts);
                           auto result = new_array<double>(settled, values.size());
                           std::ranges::copy(values, result.Data());
                           return result;
                         };
                       });
}

}  // namespace

void define_document_frequencies(Napi::Env env, Napi::Object exports) {
  export_function<document_frequencies>(env, exports, "documentFrequencies");
}

}  // namespace stillvec::binding
