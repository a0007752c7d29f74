#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>

#include "binding/object_wrap.h"
#include "binding/task.h"
#include "model/embedding_table.h"

namespace stillvec::binding {

// A token table. Made by Table.load, Table.random and TrainingRun.snapshot, never by `new`.
class Table : public ObjectWrap<Table> {
 public:
  static constexpr const char* kName = "Table";
  static constexpr napi_type_tag kTypeTag = {0x1f6e0d3b7c2a4e95, 0x8d4b19f05c7e6a23};

  static Napi::Function define(Napi::Env env);
  static Napi::Object wrap(Napi::Env env, std::shared_ptr<const model::EmbeddingTable> table);
  explicit Table(const Napi::CallbackInfo& info);
  ~Table();

  const std::shared_ptr<const model::EmbeddingTable>& table() const { return table_; }

 private:
  static Napi::Value load(const Napi::CallbackInfo& info);
  static Napi::Value random(const Napi::CallbackInfo& info);
  Napi::Value rows(const Napi::CallbackInfo& info);
  Napi::Value dim(const Napi::CallbackInfo& info);
  Napi::Value dtype(const Napi::CallbackInfo& info);
  Napi::Value byte_length(const Napi::CallbackInfo& info);
  Napi::Value mapped(const Napi::CallbackInfo& info);
  Napi::Value copy(const Napi::CallbackInfo& info);
  Napi::Value scales(const Napi::CallbackInfo& info);
  Napi::Value convert(const Napi::CallbackInfo& info);
  Napi::Value scale_rows(const Napi::CallbackInfo& info);
  Napi::Value gather_rows(const Napi::CallbackInfo& info);
  // Lets go of the values now rather than when V8 finds nobody using this object.
  Napi::Value release(const Napi::CallbackInfo& info);

  // Tells V8 how much memory hangs on this object.
  void tell_bytes(Napi::Env env, std::size_t bytes);

  std::shared_ptr<const model::EmbeddingTable> table_;
  std::int64_t told_bytes_ = 0;  // that V8 knows of
};

// Resolves with a new Table.
Settle settle_table(Result<std::shared_ptr<const model::EmbeddingTable>> result);

}  // namespace stillvec::binding
