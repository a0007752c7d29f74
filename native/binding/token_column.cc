#include "binding/token_column.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/chunks.h"
#include "binding/encoder.h"
#include "binding/task.h"
#include "binding/texts.h"
#include "runtime/random.h"

namespace stillvec::binding {

Napi::Function TokenColumn::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {
                         InstanceMethod<&TokenColumn::append>("append"),
                         InstanceMethod<&TokenColumn::append_ids>("appendIds"),
                         InstanceAccessor<&TokenColumn::tokens>("tokens"),
                         InstanceMethod<&TokenColumn::fingerprint>("fingerprint"),
                     });
}

TokenColumn::TokenColumn(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TokenColumn>(info) {
  info.This().As<Napi::Object>().TypeTag(&kTypeTag);
}

Result<std::shared_ptr<const training::TokenColumn>> TokenColumn::freeze() {
  if (state_->busy) return Status{Code::kInvalidArgument, "texts are still being appended to the column"};
  state_->frozen = true;
  return std::shared_ptr<const training::TokenColumn>(state_, &state_->column);
}

void TokenColumn::check_open(Napi::Env env) const {
  if (state_->busy || state_->frozen) fail_argument(env, "the column is being filled or is in training already");
}

// append(encoder, joined, count, texts, prompt): Promise<void>. One at a time.
Napi::Value TokenColumn::append(const Napi::CallbackInfo& info) {
  struct Run {
    std::vector<std::uint32_t> ids, lengths;
  };
  check_open(info.Env());
  const auto encoder = object_argument<Encoder>(info, 0, "encoder").encoder();
  if (encoder->tokenizer() == nullptr) fail_argument(info.Env(), "this encoder has no tokenizer: use appendIds");
  auto texts = std::make_shared<const TextArena>(TextArena::read(info, 1));
  std::string prompt = string_argument(info, 4, "prompt");
  std::vector<std::size_t> bounds = chunk_bounds(texts->view());
  auto runs = std::make_shared<std::vector<Run>>(bounds.size() - 1);
  state_->busy = true;
  return run_on_pool(
      info.Env(), runs->size(),
      [encoder, texts, runs, prompt = std::move(prompt), bounds = std::move(bounds)](std::size_t chunk, unsigned) {
        Run& run = (*runs)[chunk];
        encoder->tokenize(texts->view(), bounds[chunk], bounds[chunk + 1], prompt, run.ids, run.lengths);
      },
      [runs, state = state_](Napi::Env env) {
        training::TokenColumn& column = state->column;
        for (const Run& run : *runs) {
          column.ids.insert(column.ids.end(), run.ids.begin(), run.ids.end());
          for (const std::uint32_t length : run.lengths) column.offsets.push_back(column.offsets.back() + length);
        }
        state->busy = false;
        return env.Undefined();
      });
}

// appendIds(ids: Uint32Array, offsets: Uint32Array): void
Napi::Value TokenColumn::append_ids(const Napi::CallbackInfo& info) {
  check_open(info.Env());
  const std::span<const std::uint32_t> ids = array_argument<std::uint32_t>(info, 0, "ids");
  const std::span<const std::uint32_t> offsets = array_argument<std::uint32_t>(info, 1, "offsets");
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != ids.size() || !std::ranges::is_sorted(offsets)) {
    fail_argument(info.Env(), "expected offsets that rise from 0 to the number of ids");
  }
  training::TokenColumn& column = state_->column;
  const std::uint64_t base = column.offsets.back();
  column.ids.insert(column.ids.end(), ids.begin(), ids.end());
  for (const std::uint32_t offset : offsets.subspan(1)) column.offsets.push_back(base + offset);
  return info.Env().Undefined();
}

// fingerprint(): string. Equal for equal columns, and hardly ever for others.
Napi::Value TokenColumn::fingerprint(const Napi::CallbackInfo& info) {
  check_open(info.Env());
  std::uint64_t hash = 0;
  for (const std::uint32_t id : state_->column.ids) hash = mix64(hash ^ id);
  for (const std::uint64_t offset : state_->column.offsets) hash = mix64(hash ^ offset);
  return Napi::String::New(info.Env(), std::to_string(hash));
}

Napi::Value TokenColumn::tokens(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(state_->column.ids.size()));
}

}  // namespace stillvec::binding
