#include "binding/token_column.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/chunks.h"
#include "binding/encoder.h"
#include "binding/environment.h"
#include "binding/task.h"
#include "binding/texts.h"
#include "model/file.h"
#include "runtime/random.h"

namespace stillvec::binding {
namespace {

// Arguments begin, target: a typed array of T that is filled with the values from number `begin` on.
template <typename T>
void copy_values(const Napi::CallbackInfo& info, const training::Values<T>& values) {
  const std::uint64_t begin = integer_argument(info, 0, "begin");
  const std::span<T> target = array_argument<T>(info, 1, "target");
  if (begin > values.size() || target.size() > values.size() - begin) {
    fail(info.Env(), {Code::kOutOfRange, "the column is shorter"});
  }
  std::copy_n(values.data() + begin, target.size(), target.data());
}

// `count` values of a file from byte `at` on: mapped, or read where the system does not map.
template <typename T>
Result<training::Values<T>> map_values(const model::File& file, std::uint64_t at, std::uint64_t count) {
  if (at % sizeof(T) != 0 || at > file.size() || count > (file.size() - at) / sizeof(T)) {
    return Status{Code::kCorrupt, "the file ends before the column does"};
  }
  if (count == 0) return training::Values<T>();
  auto range = std::make_shared<const model::MappedRange>(file.map(at, count * sizeof(T)));
  if (range->data() != nullptr) {
    return training::Values<T>({reinterpret_cast<const T*>(range->data()), count}, range);
  }
  auto memory = std::make_shared<std::vector<T>>(count);
  const Status status = file.read(at, count * sizeof(T), reinterpret_cast<std::byte*>(memory->data()));
  if (!status.is_ok()) return status;
  return training::Values<T>({memory->data(), count}, memory);
}

// Where a column lies in a file, and how many rows its ids may name.
struct ColumnInFile {
  std::string path;
  std::uint64_t offsets_at = 0, count = 0, ids_at = 0, tokens = 0, rows = 0;
};

Result<training::TokenColumn> read_column(const ColumnInFile& at) {
  Result<model::File> file = model::File::open(at.path);
  if (!file.is_ok()) return file.status();
  if (at.count == UINT64_MAX) return Status{Code::kCorrupt, "more texts than can be"};
  auto offsets = map_values<std::uint64_t>(file.value(), at.offsets_at, at.count + 1);
  if (!offsets.is_ok()) return offsets.status();
  auto ids = map_values<std::uint32_t>(file.value(), at.ids_at, at.tokens);
  if (!ids.is_ok()) return ids.status();
  training::TokenColumn column = {std::move(ids.value()), std::move(offsets.value())};
  if (column.offsets[0] != 0 || column.offsets.back() != column.ids.size() || !std::ranges::is_sorted(column.offsets)) {
    return Status{Code::kCorrupt, "the offsets do not rise from 0 to the number of ids"};
  }
  if (!std::ranges::all_of(column.ids, [&](std::uint32_t id) { return id < at.rows; })) {
    return Status{Code::kCorrupt, "an id has no row in the table"};
  }
  return column;
}

}  // namespace

Napi::Function TokenColumn::define(Napi::Env env) {
  return define_class(env, {
                               instance_method<&TokenColumn::append>("append"),
                               instance_method<&TokenColumn::append_column>("appendColumn"),
                               instance_method<&TokenColumn::append_ids>("appendIds"),
                               instance_method<&TokenColumn::copy_ids>("copyIds"),
                               instance_method<&TokenColumn::copy_offsets>("copyOffsets"),
                               instance_method<&TokenColumn::map>("map"),
                               instance_accessor<&TokenColumn::count>("count"),
                               instance_accessor<&TokenColumn::tokens>("tokens"),
                               instance_method<&TokenColumn::fingerprint>("fingerprint"),
                           });
}

TokenColumn::TokenColumn(const Napi::CallbackInfo& info) : ObjectWrap<TokenColumn>(info) {}

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
  const auto encoder = object_argument<Encoder>(info, 0, "encoder").encoder();
  if (encoder->tokenizer() == nullptr) fail_argument(info.Env(), "this encoder has no tokenizer: use appendIds");
  auto texts = std::make_shared<const TextArena>(TextArena::read(info, 1));
  std::string prompt = string_argument(info, 4, "prompt");
  check_open(info.Env());  // only now: reading an array may run JavaScript
  std::vector<std::size_t> bounds = chunk_bounds(texts->view(), Environment::of(info.Env()).pool().size());
  auto runs = std::make_shared<std::vector<Run>>(bounds.size() - 1);
  return run_on_pool(
      info.Env(), runs->size(),
      [encoder, texts, runs, prompt = std::move(prompt), bounds = std::move(bounds)](std::size_t chunk, unsigned) {
        Run& run = (*runs)[chunk];
        encoder->tokenize(texts->view(), bounds[chunk], bounds[chunk + 1], prompt, run.ids, run.lengths);
      },
      [runs, state = state_](Napi::Env env) {
        training::TokenColumn& column = state->column;
        std::size_t ids = 0, lengths = 0;
        for (const Run& run : *runs) ids += run.ids.size(), lengths += run.lengths.size();
        column.ids.make_room(ids);
        column.offsets.make_room(lengths);
        for (const Run& run : *runs) {
          column.ids.append(run.ids);
          for (const std::uint32_t length : run.lengths) column.offsets.push_back(column.offsets.back() + length);
        }
        return env.Undefined();
      },
      0, hold(state_, state_->busy));
}

// appendIds(ids: Uint32Array, offsets: Uint32Array): void
Napi::Value TokenColumn::append_ids(const Napi::CallbackInfo& info) {
  check_open(info.Env());
  // Copies: other threads may write to what JavaScript shares with them.
  const std::vector<std::uint32_t> ids = array_copy_argument<std::uint32_t>(info, 0, "ids");
  const std::vector<std::uint32_t> offsets = array_copy_argument<std::uint32_t>(info, 1, "offsets");
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != ids.size() || !std::ranges::is_sorted(offsets)) {
    fail_argument(info.Env(), "expected offsets that rise from 0 to the number of ids");
  }
  training::TokenColumn& column = state_->column;
  const std::uint64_t base = column.offsets.back();
  column.ids.make_room(ids.size());
  column.offsets.make_room(offsets.size());
  column.ids.append(ids);
  for (const std::uint32_t offset : std::span(offsets).subspan(1)) column.offsets.push_back(base + offset);
  return info.Env().Undefined();
}

// appendColumn(other: TokenColumn): void
Napi::Value TokenColumn::append_column(const Napi::CallbackInfo& info) {
  const TokenColumn& other = object_argument<TokenColumn>(info, 0, "other");
  check_open(info.Env());
  if (&other == this) fail_argument(info.Env(), "expected another column");
  other.check_open(info.Env());
  const training::TokenColumn& added = other.state_->column;
  training::TokenColumn& column = state_->column;
  const std::uint64_t base = column.offsets.back();
  column.ids.make_room(added.ids.size());
  column.offsets.make_room(added.count());
  column.ids.append({added.ids.data(), added.ids.size()});
  for (std::size_t i = 1; i <= added.count(); ++i) column.offsets.push_back(base + added.offsets[i]);
  return info.Env().Undefined();
}

// copyIds(begin, target: Uint32Array): void. Fills the target with the ids from number `begin` on.
Napi::Value TokenColumn::copy_ids(const Napi::CallbackInfo& info) {
  check_open(info.Env());
  copy_values(info, state_->column.ids);
  return info.Env().Undefined();
}

// copyOffsets(begin, target: BigUint64Array): void. The same of where each text's ids begin, and of the end.
Napi::Value TokenColumn::copy_offsets(const Napi::CallbackInfo& info) {
  check_open(info.Env());
  copy_values(info, state_->column.offsets);
  return info.Env().Undefined();
}

// map(path, offsetsAt, count, idsAt, tokens, rows): Promise<void>. Takes the column from a file, little-endian and
// aligned, in the place of what it holds. Every id must be below `rows`.
Napi::Value TokenColumn::map(const Napi::CallbackInfo& info) {
  ColumnInFile at;
  at.path = string_argument(info, 0, "path");
  at.offsets_at = integer_argument(info, 1, "offsetsAt");
  at.count = integer_argument(info, 2, "count");
  at.ids_at = integer_argument(info, 3, "idsAt");
  at.tokens = integer_argument(info, 4, "tokens");
  at.rows = integer_argument(info, 5, "rows");
  check_open(info.Env());
  return run_on_thread(
      info.Env(),
      [at, state = state_](const std::atomic<bool>&) -> Settle {
        Result<training::TokenColumn> column = read_column(at);
        if (!column.is_ok()) return settle_failure(column.status());
        state->column = std::move(column.value());
        return settle_undefined();
      },
      hold(state_, state_->busy));
}

// fingerprint(): Promise<string>. Equal for equal columns, and hardly ever for others.
Napi::Value TokenColumn::fingerprint(const Napi::CallbackInfo& info) {
  check_open(info.Env());
  return run_on_thread(
      info.Env(),
      [state = state_](const std::atomic<bool>&) -> Settle {
        std::uint64_t hash = 0;
        for (const std::uint32_t id : state->column.ids) hash = mix64(hash ^ id);
        for (const std::uint64_t offset : state->column.offsets) hash = mix64(hash ^ offset);
        return [hash](Napi::Env env) -> Napi::Value { return Napi::String::New(env, std::to_string(hash)); };
      },
      hold(state_, state_->busy));
}

Napi::Value TokenColumn::count(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(state_->column.count()));
}

Napi::Value TokenColumn::tokens(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(state_->column.ids.size()));
}

}  // namespace stillvec::binding
