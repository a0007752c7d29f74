#include "binding/table.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/environment.h"
#include "binding/task.h"

namespace stillvec::binding {
namespace {

using TablePointer = std::shared_ptr<const model::EmbeddingTable>;

model::FileDtype file_dtype_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "dtype");
  if (name == "F64") return model::FileDtype::kF64;
  if (name == "F32") return model::FileDtype::kF32;
  if (name == "F16") return model::FileDtype::kF16;
  if (name == "BF16") return model::FileDtype::kBf16;
  if (name == "I8") return model::FileDtype::kI8;
  fail(info.Env(), {Code::kUnsupported, "expected F64, F32, F16, BF16 or I8 for dtype but received " + name});
}

model::Dtype dtype_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "dtype");
  for (const auto dtype : {model::Dtype::kF32, model::Dtype::kF16, model::Dtype::kBf16, model::Dtype::kI8}) {
    if (model::dtype_name(dtype) == name) return dtype;
  }
  fail_argument(info.Env(), "expected float32, float16, bfloat16 or int8 for dtype but received " + name);
}

// What wrap() hands to the constructor: JavaScript must not be able to.
thread_local TablePointer wrapped;

}  // namespace

Settle settle_table(Result<TablePointer> result) {
  return [result = std::move(result)](Napi::Env env) -> Napi::Value { return Table::wrap(env, unwrap(env, result)); };
}

Napi::Function Table::define(Napi::Env env) {
  const Napi::Function constructor = define_class(env, {
                                                           static_method<&Table::load>("load"),
                                                           static_method<&Table::random>("random"),
                                                           instance_accessor<&Table::rows>("rows"),
                                                           instance_accessor<&Table::dim>("dim"),
                                                           instance_accessor<&Table::dtype>("dtype"),
                                                           instance_accessor<&Table::byte_length>("byteLength"),
                                                           instance_accessor<&Table::mapped>("mapped"),
                                                           instance_method<&Table::copy>("copy"),
                                                           instance_method<&Table::scales>("scales"),
                                                           instance_method<&Table::convert>("convert"),
                                                           instance_method<&Table::scale_rows>("scaleRows"),
                                                           instance_method<&Table::gather_rows>("gatherRows"),
                                                           instance_method<&Table::release>("release"),
                                                       });
  Environment::of(env).table_constructor = Napi::Persistent(constructor);
  return constructor;
}

Napi::Object Table::wrap(Napi::Env env, TablePointer table) {
  wrapped = std::move(table);
  return Environment::of(env).table_constructor.New({});
}

Table::Table(const Napi::CallbackInfo& info) : ObjectWrap<Table>(info), table_(std::move(wrapped)) {
  if (table_ == nullptr) fail_argument(info.Env(), "a Table is made by Table.load or Table.random");
  // V8 sees a small object: told what hangs on it, it collects the tables of a training run as they pile up. A mapped
  // one is the system's to keep or to drop.
  if (!table_->is_mapped()) tell_bytes(info.Env(), table_->bytes());
}

Table::~Table() { tell_bytes(env(), 0); }

void Table::tell_bytes(Napi::Env env, std::size_t bytes) {
  const auto now = static_cast<std::int64_t>(bytes);
  Napi::MemoryManagement::AdjustExternalMemory(env, now - told_bytes_);
  told_bytes_ = now;
}

// table.release(): void
Napi::Value Table::release(const Napi::CallbackInfo& info) {
  table_ = model::EmbeddingTable::empty();
  tell_bytes(info.Env(), 0);
  return info.Env().Undefined();
}

// Table.load(path, byteOffset, dtype, rows, dim, scalesOffset | null, mayMap): Promise<Table>
Napi::Value Table::load(const Napi::CallbackInfo& info) {
  std::optional<std::uint64_t> scales;
  if (!info[5].IsNull()) scales = integer_argument(info, 5, "scalesOffset");
  return run_on_thread(
      info.Env(), [path = string_argument(info, 0, "path"), offset = integer_argument(info, 1, "byteOffset"),
                   dtype = file_dtype_argument(info, 2), rows = integer_argument(info, 3, "rows"),
                   dim = integer_argument(info, 4, "dim"), scales,
                   may_map = boolean_argument(info, 6, "mayMap")](const std::atomic<bool>&) {
        return settle_table(scales ? model::EmbeddingTable::load_i8(path, offset, *scales, rows, dim, may_map)
                                   : model::EmbeddingTable::load(path, offset, dtype, rows, dim, may_map));
      });
}

// Table.random(rows, dim, seed): Promise<Table>
Napi::Value Table::random(const Napi::CallbackInfo& info) {
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return run_on_thread(info.Env(), [rows = integer_argument(info, 0, "rows"), dim = integer_argument(info, 1, "dim"),
                                    seed = integer_argument(info, 2, "seed"), &pool](const std::atomic<bool>&) {
    return settle_table(model::EmbeddingTable::random(rows, dim, seed, &pool));
  });
}

// table.convert(dtype): Promise<Table>
Napi::Value Table::convert(const Napi::CallbackInfo& info) {
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return run_on_thread(info.Env(), [table = table_, dtype = dtype_argument(info, 0), &pool](const std::atomic<bool>&) {
    return settle_table(table->convert(dtype, pool));
  });
}

// table.scaleRows(factors: Float32Array): Promise<Table>. The rows as float32, each times its factor.
Napi::Value Table::scale_rows(const Napi::CallbackInfo& info) {
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return run_on_thread(info.Env(),
                       [table = table_, factors = array_copy_argument<float>(info, 0, "factors"),
                        &pool](const std::atomic<bool>&) { return settle_table(table->scale_rows(factors, pool)); });
}

// table.gatherRows(rows: Uint32Array, factors: Float32Array): Promise<Table>. These rows as float32, each times its
// factor.
Napi::Value Table::gather_rows(const Napi::CallbackInfo& info) {
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return run_on_thread(
      info.Env(), [table = table_, rows = array_copy_argument<std::uint32_t>(info, 0, "rows"),
                   factors = array_copy_argument<float>(info, 1, "factors"),
                   &pool](const std::atomic<bool>&) { return settle_table(table->gather_rows(rows, factors, pool)); });
}

// table.scales(): Float32Array | null
Napi::Value Table::scales(const Napi::CallbackInfo& info) {
  if (table_->scales() == nullptr) return info.Env().Null();
  auto scales = new_array<float>(info.Env(), table_->rows());
  std::copy_n(table_->scales(), table_->rows(), scales.Data());
  return scales;
}

Napi::Value Table::rows(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(table_->rows()));
}

Napi::Value Table::dim(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(table_->dim()));
}

Napi::Value Table::dtype(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), std::string(model::dtype_name(table_->dtype())));
}

Napi::Value Table::byte_length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(table_->bytes()));
}

Napi::Value Table::mapped(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), table_->is_mapped());
}

// table.copy(byteOffset, target: Uint8Array): fills `target` with the table's bytes from there.
Napi::Value Table::copy(const Napi::CallbackInfo& info) {
  const std::uint64_t offset = integer_argument(info, 0, "byteOffset");
  const std::span<std::uint8_t> target = array_argument<std::uint8_t>(info, 1, "target");
  if (offset > table_->bytes() || target.size() > table_->bytes() - offset) {
    fail(info.Env(), {Code::kOutOfRange, "the bytes to copy end after the table"});
  }
  if (!target.empty()) std::memcpy(target.data(), table_->data() + offset, target.size());
  return info.Env().Undefined();
}

}  // namespace stillvec::binding
