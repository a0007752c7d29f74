#include "training/settings.h"

#include <cmath>
#include <utility>

namespace stillvec::training {

float SettingsReader::number(std::string_view name) {
  const auto* value = find<double>(name, "a number");
  const float number = value == nullptr ? 0.0f : static_cast<float>(*value);
  if (!std::isfinite(number)) note(name, "a finite number");
  return number;
}

float SettingsReader::not_negative(std::string_view name) {
  const float value = number(name);
  if (value < 0.0f) note(name, "a number that is not negative");
  return value;
}

float SettingsReader::positive(std::string_view name) {
  const float value = number(name);
  if (!(value > 0.0f)) note(name, "a positive number");
  return value;
}

std::size_t SettingsReader::count(std::string_view name) {
  constexpr double kMost = 1u << 24;
  const auto* value = find<double>(name, "a number");
  const bool is_count = value != nullptr && *value >= 0.0 && *value <= kMost && *value == std::floor(*value);
  if (!is_count) note(name, "a whole number");
  return is_count ? static_cast<std::size_t>(*value) : 0;
}

bool SettingsReader::flag(std::string_view name) {
  const auto* value = find<bool>(name, "true or false");
  return value != nullptr && *value;
}

void SettingsReader::note(std::string_view name, const char* expected) {
  if (!status_.is_ok()) return;
  std::string message = "expected ";
  message.append(expected).append(" for ").append(name).append(" of ").append(settings_.kind);
  status_ = {Code::kInvalidArgument, std::move(message)};
}

}  // namespace stillvec::training
