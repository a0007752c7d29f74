#include "binding/bm25.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/cancellation.h"
#include "binding/environment.h"
#include "binding/fields.h"
#include "binding/row_buffer.h"
#include "binding/rows.h"
#include "binding/task.h"
#include "binding/word_bags.h"

namespace stillvec::binding {
namespace {

search::Bm25Method method_field(const Napi::Object& settings) {
  const std::string name = string_field(settings, "method");
  if (name == "robertson") return search::Bm25Method::kRobertson;
  if (name == "lucene") return search::Bm25Method::kLucene;
  if (name == "atire") return search::Bm25Method::kAtire;
  if (name == "bm25l") return search::Bm25Method::kBm25L;
  if (name == "bm25+") return search::Bm25Method::kBm25Plus;
  fail_argument(settings.Env(), "expected robertson, lucene, atire, bm25l or bm25+ for method but received " + name);
}

std::shared_ptr<const search::WordBags> bags_argument(const Napi::CallbackInfo& info, std::size_t index) {
  return unwrap(info.Env(), object_argument<WordBags>(info, index, "bags").freeze());
}

// The bytes of a part of an index, by the name that it has in a file.
std::span<const std::byte> part(const search::Bm25& index, const std::string& name, Napi::Env env) {
  const search::Postings& postings = index.postings();
  if (name == "word_offsets") return std::as_bytes(index.words().offsets());
  if (name == "starts") return std::as_bytes(postings.starts);
  if (name == "documents") return std::as_bytes(postings.documents);
  if (name == "counts") return std::as_bytes(postings.counts);
  if (name == "lengths") return std::as_bytes(index.lengths());
  if (name == "words") return std::as_bytes(std::span(index.words().bytes()));
  fail_argument(env, "an index has no part " + name);
}

}  // namespace

Napi::Function Bm25::define(Napi::Env env) {
  return define_class(env, {
                               instance_method<&Bm25::load>("load"),
                               instance_method<&Bm25::add>("add"),
                               instance_method<&Bm25::remove>("remove"),
                               instance_method<&Bm25::search>("search"),
                               instance_method<&Bm25::scores>("scores"),
                               instance_method<&Bm25::byte_length>("byteLength"),
                               instance_method<&Bm25::copy>("copy"),
                               instance_method<&Bm25::release>("release"),
                           });
}

Bm25::Bm25(const Napi::CallbackInfo& info) : ObjectWrap<Bm25>(info) {
  if (!info[0].IsObject()) fail_argument(info.Env(), "expected an object for settings");
  const auto settings = info[0].As<Napi::Object>();
  settings_.method = method_field(settings);
  settings_.k1 = number_field(settings, "k1");
  settings_.b = number_field(settings, "b");
  settings_.delta = number_field(settings, "delta");
  state_->index = std::make_shared<const search::Bm25>(settings_);
}

void Bm25::check_idle(Napi::Env env) const {
  if (state_->busy) fail_argument(env, "the index is being changed already");
}

// load(path, layout): Promise<void>. Takes the documents of a file in the place of what is here.
Napi::Value Bm25::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string path = string_argument(info, 0, "path");
  if (!info[1].IsObject()) fail_argument(env, "expected an object for layout");
  const auto fields = info[1].As<Napi::Object>();
  search::Bm25Layout layout;
  layout.words = integer_field(fields, "words");
  layout.documents = integer_field(fields, "documents");
  layout.postings = integer_field(fields, "postings");
  layout.word_bytes = integer_field(fields, "wordBytes");
  layout.word_offsets_at = integer_field(fields, "wordOffsetsAt");
  layout.starts_at = integer_field(fields, "startsAt");
  layout.documents_at = integer_field(fields, "documentsAt");
  layout.counts_at = integer_field(fields, "countsAt");
  layout.lengths_at = integer_field(fields, "lengthsAt");
  layout.bytes_at = integer_field(fields, "wordsAt");
  check_idle(env);
  return run_on_thread(
      env,
      [settings = settings_, path = std::move(path), layout, state = state_,
       &pool = Environment::of(env).pool()](const std::atomic<bool>&) -> Settle {
        auto index = search::Bm25::load(settings, path, layout, pool);
        if (!index.is_ok()) return settle_failure(index.status());
        return [state, index = std::move(index.value())](Napi::Env settled) -> Napi::Value {
          state->index = index;
          return settled.Undefined();
        };
      },
      hold(state_, state_->busy));
}

// add(bags): Promise<void>. The texts of `bags` become documents behind those that are here.
Napi::Value Bm25::add(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto bags = bags_argument(info, 0);
  check_idle(env);
  if (bags->count() >= UINT32_MAX - state_->index->lengths().size()) {
    fail(env, {Code::kOutOfRange, "an index has fewer than 2^32 - 1 documents"});
  }
  return run_on_thread(
      env,
      [bags = std::move(bags), index = state_->index, state = state_,
       &pool = Environment::of(env).pool()](const std::atomic<bool>&) -> Settle {
        return [state, next = index->with(*bags, pool)](Napi::Env settled) -> Napi::Value {
          state->index = next;
          return settled.Undefined();
        };
      },
      hold(state_, state_->busy));
}

// remove(numbers: Uint32Array): Promise<void>. Those behind the removed documents move up.
Napi::Value Bm25::remove(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<std::uint32_t> numbers = array_copy_argument<std::uint32_t>(info, 0, "numbers");
  check_idle(env);
  std::vector<bool> removed(state_->index->lengths().size());
  for (const std::uint32_t number : numbers) {
    if (number >= removed.size()) fail(env, {Code::kOutOfRange, "no document has this number"});
    removed[number] = true;
  }
  return run_on_thread(
      env,
      [removed = std::move(removed), index = state_->index, state = state_,
       &pool = Environment::of(env).pool()](const std::atomic<bool>&) -> Settle {
        return [state, next = index->without(removed, pool)](Napi::Env settled) -> Napi::Value {
          state->index = next;
          return settled.Undefined();
        };
      },
      hold(state_, state_->busy));
}

// scores(bags, out: RowBuffer, cancellation): Promise<void>. Those of every text of `bags` with every document.
Napi::Value Bm25::scores(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto bags = bags_argument(info, 0);
  const auto out = object_argument<RowBuffer>(info, 1, "out").memory();
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 2, "cancellation").flag();
  check_size(env, out->size() / sizeof(float), bags->count(), state_->index->lengths().size(), "out");
  return run_on_thread(env,
                       [bags = std::move(bags), out, flag, index = state_->index,
                        &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
                         const auto stops = [&] { return ended || *flag; };
                         index->scores(*bags, pool, reinterpret_cast<float*>(out->bytes.data()), stops);
                         return stops() ? settle_failure({Code::kAborted, "the call was aborted"}) : settle_undefined();
                       });
}

// search(bags, k, cancellation): Promise<{ indices: Uint32Array, scores: Float32Array }>, of as many hits a text of
// `bags` as there are documents, or k.
Napi::Value Bm25::search(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto bags = bags_argument(info, 0);
  const std::size_t k = std::min<std::size_t>(integer_argument(info, 1, "k"), state_->index->lengths().size());
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 2, "cancellation").flag();
  if (k != 0 && bags->count() > SIZE_MAX / sizeof(float) / k) {
    fail(env, {Code::kOutOfMemory, "a result too large to address"});
  }
  return run_on_thread(env,
                       [bags = std::move(bags), k, flag, index = state_->index,
                        &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
                         const auto stops = [&] { return ended || *flag; };
                         search::Hits hits = index->search(*bags, k, pool, stops);
                         if (stops()) return settle_failure({Code::kAborted, "the call was aborted"});
                         return [hits = std::move(hits)](Napi::Env settled) -> Napi::Value {
                           auto indices = new_array<std::uint32_t>(settled, hits.indices.size());
                           auto scores = new_array<float>(settled, hits.scores.size());
                           std::ranges::copy(hits.indices, indices.Data());
                           std::ranges::copy(hits.scores, scores.Data());
                           Napi::Object result = Napi::Object::New(settled);
                           result.Set("indices", indices);
                           result.Set("scores", scores);
                           return result;
                         };
                       });
}

// byteLength(part): number
Napi::Value Bm25::byte_length(const Napi::CallbackInfo& info) {
  const auto bytes = part(*state_->index, string_argument(info, 0, "part"), info.Env());
  return Napi::Number::New(info.Env(), static_cast<double>(bytes.size()));
}

// copy(part, byteOffset, target: Uint8Array): void. Fills the target with the part's bytes from there.
Napi::Value Bm25::copy(const Napi::CallbackInfo& info) {
  const auto bytes = part(*state_->index, string_argument(info, 0, "part"), info.Env());
  const std::uint64_t offset = integer_argument(info, 1, "byteOffset");
  const std::span<std::uint8_t> target = array_argument<std::uint8_t>(info, 2, "target");
  if (offset > bytes.size() || target.size() > bytes.size() - offset) {
    fail(info.Env(), {Code::kOutOfRange, "the bytes to copy end after the part"});
  }
  if (!target.empty()) std::memcpy(target.data(), bytes.data() + offset, target.size());
  return info.Env().Undefined();
}

// release(): void. Lets go of the documents now rather than when V8 finds nobody using this object.
Napi::Value Bm25::release(const Napi::CallbackInfo& info) {
  check_idle(info.Env());
  state_->index = std::make_shared<const search::Bm25>(settings_);
  return info.Env().Undefined();
}

}  // namespace stillvec::binding
