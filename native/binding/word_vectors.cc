#include "binding/word_vectors.h"

#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/table.h"
#include "binding/task.h"

namespace stillvec::binding {

Napi::Function WordVectors::define(Napi::Env env) {
  return define_class(env, {
                               instance_method<&WordVectors::append>("append"),
                               instance_method<&WordVectors::finish>("finish"),
                               instance_method<&WordVectors::take_table>("takeTable"),
                           });
}

WordVectors::WordVectors(const Napi::CallbackInfo& info)
    : ObjectWrap<WordVectors>(info), state_(std::make_shared<State>(integer_argument(info, 0, "limit"))) {}

void WordVectors::check_free(Napi::Env env) const {
  if (state_->busy) fail_argument(env, "the vectors are being read");
}

// append(bytes: Uint8Array): Promise<boolean>, whether no more bytes are needed.
Napi::Value WordVectors::append(const Napi::CallbackInfo& info) {
  // A copy: other threads may write to what JavaScript shares with them.
  auto bytes = array_copy_argument<std::uint8_t>(info, 0, "bytes");
  check_free(info.Env());
  return run_on_thread(
      info.Env(),
      [bytes = std::move(bytes), state = state_](const std::atomic<bool>&) -> Settle {
        const Status status = state->vectors.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        if (!status.is_ok()) return settle_failure(status);
        return [is_full = state->vectors.is_full()](Napi::Env env) -> Napi::Value {
          return Napi::Boolean::New(env, is_full);
        };
      },
      hold(state_, state_->busy));
}

// finish(): Promise<Uint8Array>. The words, with a line feed after each.
Napi::Value WordVectors::finish(const Napi::CallbackInfo& info) {
  check_free(info.Env());
  return run_on_thread(
      info.Env(),
      [state = state_](const std::atomic<bool>&) -> Settle {
        const Status status = state->vectors.finish();
        if (!status.is_ok()) return settle_failure(status);
        return [state](Napi::Env env) -> Napi::Value {
          const std::string& words = state->vectors.words();
          auto bytes = new_array<std::uint8_t>(env, words.size());
          std::copy(words.begin(), words.end(), bytes.Data());
          return bytes;
        };
      },
      hold(state_, state_->busy));
}

// takeTable(more): Promise<Table>. The vectors, which are given up, and `more` rows of zeros.
Napi::Value WordVectors::take_table(const Napi::CallbackInfo& info) {
  const std::uint64_t more = integer_argument(info, 0, "more");
  check_free(info.Env());
  return run_on_thread(
      info.Env(),
      [more, state = state_](const std::atomic<bool>&) { return settle_table(state->vectors.take_table(more)); },
      hold(state_, state_->busy));
}

}  // namespace stillvec::binding
