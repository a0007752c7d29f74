#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace stillvec::training {

// Values in memory of their own, to which more can be added, or in memory that someone else keeps: a mapped file.
template <typename T>
class Values {
 public:
  Values() = default;
  Values(std::initializer_list<T> values) : own_(values) {}
  Values(std::span<const T> values, std::shared_ptr<const void> keeper) : kept_(values), keeper_(std::move(keeper)) {}

  std::size_t size() const { return keeper_ == nullptr ? own_.size() : kept_.size(); }
  const T* data() const { return keeper_ == nullptr ? own_.data() : kept_.data(); }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }
  const T& operator[](std::size_t i) const { return data()[i]; }
  const T& back() const { return data()[size() - 1]; }

  void push_back(T value) { append({&value, 1}); }
  void append(std::span<const T> values) {
    make_room(values.size());
    own_.insert(own_.end(), values.begin(), values.end());
  }

  // From now on the next `count` values can be added without new memory, so that nothing can fail between them.
  void make_room(std::size_t count) {
    if (keeper_ != nullptr) {
      own_.assign(kept_.begin(), kept_.end());
      keeper_.reset();
    }
    if (own_.capacity() - own_.size() >= count) return;
    own_.reserve(std::max(own_.size() + count, 2 * own_.capacity()));
  }

 private:
  std::vector<T> own_;
  std::span<const T> kept_;
  std::shared_ptr<const void> keeper_;  // null: own_ holds them
};

// One column of a tokenized dataset: text i has the ids [offsets[i], offsets[i + 1]).
struct TokenColumn {
  Values<std::uint32_t> ids;
  Values<std::uint64_t> offsets = {0};

  std::size_t count() const { return offsets.size() - 1; }
};

}  // namespace stillvec::training
