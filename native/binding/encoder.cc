#include "binding/encoder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/chunks.h"
#include "binding/environment.h"
#include "binding/pooling.h"
#include "binding/row_buffer.h"
#include "binding/table.h"
#include "binding/task.h"
#include "binding/texts.h"
#include "binding/tokenizer.h"

namespace stillvec::binding {
namespace {

// Where a call's rows go and what becomes of each.
struct Target {
  model::RowOptions options;
  std::shared_ptr<RowBuffer::Memory> memory;  // null where the rows are an array's
  std::byte* rows = nullptr;
};

// Memory that rows are written to.
struct Rows {
  std::byte* bytes = nullptr;
  std::size_t count = 0;
};

Rows rows_in(RowBuffer::Memory& memory, std::size_t row_bytes, Napi::Env env) {
  if (memory.row_bytes != row_bytes) {
    fail_argument(env, "the buffer's rows are not of the size that these options give");
  }
  return {memory.bytes.data(), memory.rows};
}

Rows rows_in(const Napi::TypedArray& array, std::size_t row_bytes, bool floats) {
  if (floats ? array.TypedArrayType() != napi_float32_array : array.ElementSize() != 1) {
    fail_argument(array.Env(), "expected an array of the output's type for the rows");
  }
  std::size_t length = 0;
  void* data = nullptr;
  napi_get_typedarray_info(array.Env(), array, nullptr, &length, &data, nullptr, nullptr);
  return {static_cast<std::byte*>(data), data == nullptr ? 0 : length * array.ElementSize() / row_bytes};
}

void check_columns(Napi::Env env, const model::RowOptions& options, std::size_t dim) {
  if (options.columns > dim) fail(env, {Code::kOutOfRange, "more columns asked for than the table has"});
  if (dim == 0) fail_argument(env, "the encoder was released");
}

// Reads arguments [index, index + 5]: memory, firstRow, columns, normalizeFull, normalize, output. The memory is a
// RowBuffer, or, where the call is over before JavaScript runs again, a typed array.
Target target_arguments(const Napi::CallbackInfo& info, std::size_t index, std::size_t count, std::size_t dim,
                        bool may_be_array) {
  const Napi::Env env = info.Env();
  Target target;
  const std::size_t first = integer_argument(info, index + 1, "firstRow");
  target.options.columns = integer_argument(info, index + 2, "columns");
  target.options.normalize_full = boolean_argument(info, index + 3, "normalizeFull");
  target.options.normalize = boolean_argument(info, index + 4, "normalize");
  const std::string output = string_argument(info, index + 5, "output");
  if (output == "binary") {
    target.options.output = model::Output::kBinary;
  } else if (output == "ubinary") {
    target.options.output = model::Output::kUbinary;
  } else if (output != "float32") {
    fail_argument(env, "expected float32, binary or ubinary for output but received " + output);
  }
  check_columns(env, target.options, dim);
  const std::size_t row_bytes = model::row_bytes(target.options, dim);
  Rows rows;
  if (may_be_array && info[index].IsTypedArray()) {
    rows = rows_in(info[index].As<Napi::TypedArray>(), row_bytes, target.options.output == model::Output::kF32);
  } else {
    target.memory = object_argument<RowBuffer>(info, index, "memory").memory();
    rows = rows_in(*target.memory, row_bytes, env);
  }
  if (first > rows.count || count > rows.count - first) {
    fail(env, {Code::kOutOfRange, "too few rows for these texts"});
  }
  target.rows = rows.bytes + first * row_bytes;
  return target;
}

// What the rows of an array can be.
model::Output output_of(const Napi::TypedArray& array) {
  switch (array.TypedArrayType()) {
    case napi_float32_array: return model::Output::kF32;
    case napi_int8_array: return model::Output::kBinary;
    case napi_uint8_array: return model::Output::kUbinary;
    default: fail_argument(array.Env(), "expected a Float32Array, Int8Array or Uint8Array for the row");
  }
}

void need_tokenizer(Napi::Env env, const model::Encoder& encoder) {
  if (encoder.tokenizer() == nullptr) fail_argument(env, "this encoder has no tokenizer: it takes ids");
}

unsigned threads_argument(const Napi::CallbackInfo& info, std::size_t index) {
  return static_cast<unsigned>(std::min<std::uint64_t>(integer_argument(info, index, "threads"), 1024));
}

// Token ids out of JavaScript's reach.
struct TokenizedTexts {
  std::vector<std::uint32_t> ids;
  std::vector<std::uint64_t> offsets;

  std::size_t count() const { return offsets.size() - 1; }
};

// Reads arguments ids, offsets.
TokenizedTexts tokenized_arguments(const Napi::CallbackInfo& info) {
  const std::span<const std::uint32_t> ids = array_argument<std::uint32_t>(info, 0, "ids");
  const std::span<const std::uint32_t> offsets = array_argument<std::uint32_t>(info, 1, "offsets");
  TokenizedTexts texts = {{ids.begin(), ids.end()}, {offsets.begin(), offsets.end()}};
  if (texts.offsets.empty() || texts.offsets.front() != 0 || texts.offsets.back() != texts.ids.size() ||
      !std::ranges::is_sorted(texts.offsets)) {
    fail_argument(info.Env(), "expected offsets that rise from 0 to the number of ids");
  }
  return texts;
}

}  // namespace

Napi::Function Encoder::define(Napi::Env env) {
  return define_class(env, {
                               instance_method<&Encoder::encode>("encode"),
                               instance_method<&Encoder::encode_sync>("encodeSync"),
                               instance_method<&Encoder::encode_text>("encodeText"),
                               instance_method<&Encoder::pool_ids>("poolIds"),
                               instance_method<&Encoder::tokenize>("tokenize"),
                               instance_method<&Encoder::release>("release"),
                           });
}

Encoder::Encoder(const Napi::CallbackInfo& info) : ObjectWrap<Encoder>(info) {
  std::shared_ptr<const text::Tokenizer> tokenizer;
  if (!info[0].IsNull()) {
    tokenizer = object_argument<Tokenizer>(info, 0, "tokenizer").tokenizer();
    if (tokenizer == nullptr) fail_argument(info.Env(), "the tokenizer has not been built");
  }
  const auto& table = object_argument<Table>(info, 1, "table").table();
  // Every id that the tokenizer can give must have a row: the kernels do not look.
  if (tokenizer && tokenizer->vocab_size() > table->rows()) {
    fail(info.Env(), {Code::kCorrupt, "the tokenizer has " + std::to_string(tokenizer->vocab_size()) +
                                          " tokens but the table only " + std::to_string(table->rows()) + " rows"});
  }
  encoder_ = std::make_shared<const model::Encoder>(std::move(tokenizer), table, pooling_value(info[2]));
}

// encode(joined, count, texts, prompt, threads, buffer, firstRow, columns, normalizeFull, normalize, output):
// Promise<void>
Napi::Value Encoder::encode(const Napi::CallbackInfo& info) {
  need_tokenizer(info.Env(), *encoder_);
  auto texts = std::make_shared<const TextArena>(TextArena::read(info, 0));
  std::string prompt = string_argument(info, 3, "prompt");
  const unsigned threads = threads_argument(info, 4);
  Target target = target_arguments(info, 5, texts->count(), encoder_->table().dim(), false);
  std::vector<std::size_t> bounds =
      chunk_bounds(texts->view(), Environment::of(info.Env()).pool().threads_for(threads));
  const std::size_t chunks = bounds.size() - 1;
  return run_on_pool(
      info.Env(), chunks,
      [encoder = encoder_, texts, prompt = std::move(prompt), target = std::move(target), bounds = std::move(bounds)](
          std::size_t chunk, unsigned) {
        const std::size_t begin = bounds[chunk], end = bounds[chunk + 1];
        encoder->encode(texts->view(), begin, end, prompt, target.options, target.rows);
      },
      [](Napi::Env env) { return env.Undefined(); }, threads);
}

// encodeSync(joined, count, texts, prompt, memory, firstRow, columns, normalizeFull, normalize, output): void. As
// encode, on the calling thread.
Napi::Value Encoder::encode_sync(const Napi::CallbackInfo& info) {
  need_tokenizer(info.Env(), *encoder_);
  const TextArena texts = TextArena::read(info, 0);
  const std::string prompt = string_argument(info, 3, "prompt");
  const Target target = target_arguments(info, 4, texts.count(), encoder_->table().dim(), true);
  encoder_->encode(texts.view(), 0, texts.count(), prompt, target.options, target.rows);
  return info.Env().Undefined();
}

// encodeText(text, row, prompt, columns, normalizeFull, normalize): void. As encodeSync for one string and one row, an
// array whose type says what is written. It makes no object and, for a short text, takes no memory: what encodeSync
// needs of both costs more than the text.
Napi::Value Encoder::encode_text(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  need_tokenizer(env, *encoder_);
  const Utf8Argument text(info, 0, "text"), prompt(info, 2, "prompt");
  if (!info[1].IsTypedArray()) fail_argument(env, "expected a typed array for the row");
  const auto array = info[1].As<Napi::TypedArray>();
  const std::size_t dim = encoder_->table().dim();
  model::RowOptions options;
  options.columns = integer_argument(info, 3, "columns");
  options.normalize_full = boolean_argument(info, 4, "normalizeFull");
  options.normalize = boolean_argument(info, 5, "normalize");
  options.output = output_of(array);
  check_columns(env, options, dim);
  const Rows rows = rows_in(array, model::row_bytes(options, dim), options.output == model::Output::kF32);
  if (rows.count < 1) fail(env, {Code::kOutOfRange, "too small an array for a row"});
  const std::uint64_t offsets[] = {0, text.text().size()};
  model::Texts texts;
  texts.bytes = text.text().data();
  texts.offsets = offsets;
  encoder_->encode(texts, 0, 1, prompt.text(), options, rows.bytes);
  return env.Undefined();
}

// poolIds(ids: Uint32Array, offsets: Uint32Array, memory, firstRow, columns, normalizeFull, normalize, output): void
Napi::Value Encoder::pool_ids(const Napi::CallbackInfo& info) {
  const TokenizedTexts texts = tokenized_arguments(info);
  const Target target = target_arguments(info, 2, texts.count(), encoder_->table().dim(), true);
  const Status status = encoder_->pool_ids(texts.ids, texts.offsets, 0, texts.count(), target.options, target.rows);
  if (!status.is_ok()) fail(info.Env(), status);
  return info.Env().Undefined();
}

// release(): void
Napi::Value Encoder::release(const Napi::CallbackInfo& info) {
  encoder_ = std::make_shared<const model::Encoder>(nullptr, model::EmbeddingTable::empty());
  return info.Env().Undefined();
}

// tokenize(joined, count, texts, prompt): { ids: Uint32Array, offsets: Uint32Array }
Napi::Value Encoder::tokenize(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  need_tokenizer(env, *encoder_);
  const TextArena texts = TextArena::read(info, 0);
  const std::string prompt = string_argument(info, 3, "prompt");
  std::vector<std::uint32_t> ids, lengths;
  encoder_->tokenize(texts.view(), 0, texts.count(), prompt, ids, lengths);
  if (ids.size() > UINT32_MAX) fail(env, {Code::kOutOfMemory, "more than 2^32 tokens in one call"});

  auto id_array = new_array<std::uint32_t>(env, ids.size());
  std::copy(ids.begin(), ids.end(), id_array.Data());
  auto offset_array = new_array<std::uint32_t>(env, lengths.size() + 1);
  std::uint32_t* offset = offset_array.Data();
  *offset = 0;
  for (const std::uint32_t length : lengths) {
    offset[1] = offset[0] + length;
    ++offset;
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("ids", id_array);
  result.Set("offsets", offset_array);
  return result;
}

}  // namespace stillvec::binding
