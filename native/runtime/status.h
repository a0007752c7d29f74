#pragma once

#include <string>
#include <utility>
#include <variant>

namespace stillvec {

// Why something failed, in the terms that the public error codes use. lib/errors.ts turns a code into `ERR_...`.
enum class Code {
  kOk,
  kInvalidArgument,  // a value that the caller passed
  kOutOfRange,       // an index beyond what it indexes
  kCorrupt,          // bytes that are not what their format promises
  kUnsupported,      // well formed, but not something this build handles
  kIo,               // the operating system refused
  kOutOfMemory,
  kNotFinite,  // a result that is infinite or no number
  kAborted,
};

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  std::string message;

  static Status ok() { return {}; }
  bool is_ok() const { return code == Code::kOk; }
};

// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Status status) : state_(std::move(status)) {}

  bool is_ok() const { return std::holds_alternative<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  const Status& status() const { return std::get<Status>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace stillvec
