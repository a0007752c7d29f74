#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <unordered_set>

#include "binding/object_wrap.h"
#include "search/word_bags.h"

namespace stillvec::binding {

// new WordBags(stopWords: joined, count, string[]): texts as bags of words, filled by appends, one at a time.
class WordBags : public ObjectWrap<WordBags> {
 public:
  static constexpr const char* kName = "WordBags";
  static constexpr napi_type_tag kTypeTag = {0x3f8a61d9c07e42b5, 0x95c1e07b28d3f64a};

  static Napi::Function define(Napi::Env env);
  explicit WordBags(const Napi::CallbackInfo& info);

  // From now on unchangeable. kInvalidArgument while an append is under way.
  Result<std::shared_ptr<const search::WordBags>> freeze();

 private:
  struct State {
    search::WordBags bags;
    bool busy = false;    // JavaScript thread only
    bool frozen = false;  // likewise
  };

  void check_open(Napi::Env env) const;
  Napi::Value append(const Napi::CallbackInfo& info);
  Napi::Value append_words(const Napi::CallbackInfo& info);
  Napi::Value append_ids(const Napi::CallbackInfo& info);
  Napi::Value append_bags(const Napi::CallbackInfo& info);

  std::shared_ptr<const std::unordered_set<std::string>> stop_words_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace stillvec::binding
