#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/status.h"

namespace stillvec::training {

// What someone asks for: a kind of thing, and its settings by name.
struct Settings {
  using Value = std::variant<double, bool, std::string, std::vector<std::string>>;

  std::string kind;
  std::map<std::string, Value, std::less<>> values;
};

// Reads settings one by one. What is missing, of another type or out of its range is read as nothing and noted: ask
// status() after the last one, which names the first of them.
class SettingsReader {
 public:
  explicit SettingsReader(const Settings& settings) : settings_(settings) {}

  float number(std::string_view name);        // finite
  float not_negative(std::string_view name);  // and finite
  float positive(std::string_view name);      // and finite
  std::size_t count(std::string_view name);   // a whole number, not negative
  bool flag(std::string_view name);

  template <typename T>
  using Choices = std::initializer_list<std::pair<std::string_view, T>>;

  // What stands beside the name that was chosen.
  template <typename T>
  T choice(std::string_view name, Choices<T> choices) {
    const auto* chosen = find<std::string>(name, "a name");
    return chosen == nullptr ? T{} : match(name, *chosen, choices);
  }

  // The same for a list of names.
  template <typename T>
  std::vector<T> choices(std::string_view name, Choices<T> choices) {
    std::vector<T> all;
    if (const auto* chosen = find<std::vector<std::string>>(name, "a list of names")) {
      for (const std::string& one : *chosen) all.push_back(match(name, one, choices));
    }
    return all;
  }

  const Status& status() const { return status_; }

 private:
  template <typename T>
  const T* find(std::string_view name, const char* expected) {
    const auto found = settings_.values.find(name);
    const T* value = found == settings_.values.end() ? nullptr : std::get_if<T>(&found->second);
    if (value == nullptr) note(name, expected);
    return value;
  }

  template <typename T>
  T match(std::string_view name, const std::string& chosen, Choices<T> choices) {
    for (const auto& [known, value] : choices) {
      if (known == chosen) return value;
    }
    note(name, "a known name");
    return T{};
  }

  void note(std::string_view name, const char* expected);

  const Settings& settings_;
  Status status_;
};

}  // namespace stillvec::training
