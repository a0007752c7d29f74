#include "binding/word_bags.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/chunks.h"
#include "binding/environment.h"
#include "binding/task.h"
#include "binding/texts.h"
#include "text/words.h"

namespace stillvec::binding {
namespace {

using StopWords = std::unordered_set<std::string>;

search::WordBags bags_of(const model::Texts& texts, std::size_t begin, std::size_t end, const StopWords& stop_words) {
  search::WordBags bags;
  std::string scratch;
  for (std::size_t i = begin; i < end; ++i) {
    text::for_each_word(texts[i], scratch, [&](std::string_view word) {
      if (stop_words.empty() || !stop_words.contains(scratch)) bags.add_word(word);
    });
    bags.end_text();
  }
  return bags;
}

}  // namespace

Napi::Function WordBags::define(Napi::Env env) {
  return define_class(env, {
                               instance_method<&WordBags::append>("append"),
                               instance_method<&WordBags::append_words>("appendWords"),
                               instance_method<&WordBags::append_ids>("appendIds"),
                               instance_method<&WordBags::append_bags>("appendBags"),
                           });
}

WordBags::WordBags(const Napi::CallbackInfo& info) : ObjectWrap<WordBags>(info) {
  const TextArena words = TextArena::read(info, 0);
  auto stop_words = std::make_shared<StopWords>();
  for (std::size_t i = 0; i < words.count(); ++i) stop_words->emplace(words.view()[i]);
  stop_words_ = std::move(stop_words);
}

Result<std::shared_ptr<const search::WordBags>> WordBags::freeze() {
  if (state_->busy) return Status{Code::kInvalidArgument, "texts are still being appended to the bags"};
  state_->frozen = true;
  return std::shared_ptr<const search::WordBags>(state_, &state_->bags);
}

void WordBags::check_open(Napi::Env env) const {
  if (state_->busy || state_->frozen) fail_argument(env, "the bags are being filled or are in use already");
}

// append(joined, count, texts): Promise<void>. The words of texts, stop words left out.
Napi::Value WordBags::append(const Napi::CallbackInfo& info) {
  auto texts = std::make_shared<const TextArena>(TextArena::read(info, 0));
  check_open(info.Env());  // only now: reading an array may run JavaScript
  return run_on_thread(
      info.Env(),
      [texts, stop_words = stop_words_, state = state_,
       &pool = Environment::of(info.Env()).pool()](const std::atomic<bool>&) -> Settle {
        const std::vector<std::size_t> bounds = chunk_bounds(texts->view(), pool.size());
        std::vector<search::WordBags> chunks(bounds.size() - 1);
        pool.parallel_for(chunks.size(), [&](std::size_t chunk, unsigned) {
          chunks[chunk] = bags_of(texts->view(), bounds[chunk], bounds[chunk + 1], *stop_words);
        });
        for (const search::WordBags& chunk : chunks) state->bags.append(chunk);
        return settle_undefined();
      },
      hold(state_, state_->busy));
}

// appendWords(joined, count, words, offsets: Uint32Array): void. Texts whose words are known: text i has the words
// [offsets[i], offsets[i + 1]).
Napi::Value WordBags::append_words(const Napi::CallbackInfo& info) {
  const TextArena words = TextArena::read(info, 0);
  const std::vector<std::uint32_t> offsets = array_copy_argument<std::uint32_t>(info, 3, "offsets");
  check_open(info.Env());
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != words.count() || !std::ranges::is_sorted(offsets)) {
    fail_argument(info.Env(), "expected offsets that rise from 0 to the number of words");
  }
  for (std::size_t text = 0; text + 1 < offsets.size(); ++text) {
    for (std::size_t i = offsets[text]; i < offsets[text + 1]; ++i) state_->bags.add_word(words.view()[i]);
    state_->bags.end_text();
  }
  return info.Env().Undefined();
}

// appendIds(ids: Uint32Array, offsets: Uint32Array): void. The same with a tokenizer's ids: their bytes are the words.
Napi::Value WordBags::append_ids(const Napi::CallbackInfo& info) {
  check_open(info.Env());
  const std::vector<std::uint32_t> ids = array_copy_argument<std::uint32_t>(info, 0, "ids");
  const std::vector<std::uint32_t> offsets = array_copy_argument<std::uint32_t>(info, 1, "offsets");
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != ids.size() || !std::ranges::is_sorted(offsets)) {
    fail_argument(info.Env(), "expected offsets that rise from 0 to the number of ids");
  }
  for (std::size_t text = 0; text + 1 < offsets.size(); ++text) {
    for (std::size_t i = offsets[text]; i < offsets[text + 1]; ++i) {
      state_->bags.add_word({reinterpret_cast<const char*>(&ids[i]), sizeof ids[i]});
    }
    state_->bags.end_text();
  }
  return info.Env().Undefined();
}

// appendBags(other: WordBags): Promise<void>. The texts of another collection, which is unchangeable from now on.
Napi::Value WordBags::append_bags(const Napi::CallbackInfo& info) {
  WordBags& other = object_argument<WordBags>(info, 0, "other");
  check_open(info.Env());
  if (&other == this) fail_argument(info.Env(), "expected other bags than these");
  auto bags = unwrap(info.Env(), other.freeze());
  return run_on_thread(
      info.Env(),
      [bags = std::move(bags), state = state_](const std::atomic<bool>&) {
        state->bags.append(*bags);
        return settle_undefined();
      },
      hold(state_, state_->busy));
}

}  // namespace stillvec::binding
