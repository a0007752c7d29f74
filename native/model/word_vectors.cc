#include "model/word_vectors.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

namespace stillvec::model {
namespace {

// What the form is told by: the first lines of any file.
constexpr std::size_t kBeginning = 1 << 18;
constexpr std::size_t kMostColumns = 1 << 16;
constexpr std::size_t kLongestLine = 1 << 24;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A decimal number as strtod reads it, rounded to f32: exact where its digits are an integer below 2^53 and its power
// of ten is exact (Clinger 1990), which is all that tools write.
std::optional<float> read_number(std::string_view text) {
  static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr int kGreatestPower = 22;
  constexpr std::uint64_t kGreatestInteger = std::uint64_t{1} << 53;
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool is_negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) ++at;
  std::uint64_t digits = 0;
  int power = 0, count = 0;
  bool is_short = true;
  const auto take_digits = [&](int step) {
    for (; at < end && is_digit(*at); ++at, ++count) {
      if (digits > kGreatestInteger) is_short = false;
      if (!is_short) continue;
      digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
      power += step;
    }
  };
  take_digits(0);
  if (at < end && *at == '.') {
    ++at;
    take_digits(-1);
  }
  if (count == 0) return std::nullopt;
  if (at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    const bool is_small = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) ++at;
    if (at == end) return std::nullopt;
    int exponent = 0;
    for (; at < end && is_digit(*at); ++at) exponent = std::min(exponent * 10 + (*at - '0'), 100000);
    power += is_small ? -exponent : exponent;
  }
  if (at != end) return std::nullopt;
  if (is_short && digits <= kGreatestInteger && std::abs(power) <= kGreatestPower) {
    const double value = static_cast<double>(digits);
    const double scaled = power < 0 ? value / kPowers[-power] : value * kPowers[power];
    return static_cast<float>(is_negative ? -scaled : scaled);
  }
  const std::string copy(text);
  return static_cast<float>(std::strtod(copy.c_str(), nullptr));
}

std::string_view right_trimmed(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

// Two integers: how many words, and columns, are to come.
std::optional<std::pair<std::size_t, std::size_t>> header_of(std::string_view line) {
  line = right_trimmed(line);
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space > 18 || line.size() - space > 8) return std::nullopt;
  std::size_t values[2] = {0, 0};
  const std::string_view fields[2] = {line.substr(0, space), line.substr(space + 1)};
  for (int i = 0; i < 2; ++i) {
    if (fields[i].empty() || !std::all_of(fields[i].begin(), fields[i].end(), is_digit)) return std::nullopt;
    for (const char c : fields[i]) values[i] = values[i] * 10 + static_cast<std::size_t>(c - '0');
  }
  return std::pair{values[0], values[1]};
}

// Where the last `count` fields of a line begin; npos where it has no word before them.
std::size_t last_fields(std::string_view line, std::size_t count) {
  std::size_t at = line.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (at == 0) return std::string_view::npos;
    at = line.rfind(' ', at - 1);
    if (at == std::string_view::npos) return at;
  }
  return at + 1;
}

bool are_numbers(std::string_view fields) {
  while (!fields.empty()) {
    const std::size_t space = std::min(fields.find(' '), fields.size());
    if (!read_number(fields.substr(0, space))) return false;
    fields.remove_prefix(std::min(space + 1, fields.size()));
  }
  return true;
}

// How many spaces most of the first lines have: a word may have some, too, but few words do.
std::size_t usual_spaces(std::string_view text) {
  constexpr std::size_t kLines = 20;
  std::map<std::size_t, std::size_t> lines_of;
  for (std::size_t at = 0, lines = 0; at < text.size() && lines < kLines;) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos && lines > 0) break;  // perhaps not all of it
    const std::string_view line = right_trimmed(text.substr(at, end - at));
    if (!line.empty()) {
      ++lines_of[static_cast<std::size_t>(std::count(line.begin(), line.end(), ' '))];
      ++lines;
    }
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  std::size_t usual = 0, most = 0;
  for (const auto& [spaces, lines] : lines_of) {
    if (lines > most) usual = spaces, most = lines;
  }
  return usual;
}

}  // namespace

Status WordVectors::wrong(std::string_view what) const {
  const std::string_view place = form_ == Form::kBinary ? "word " : "line ";
  return {Code::kCorrupt,
          std::string(place) + std::to_string(form_ == Form::kBinary ? count_ + 1 : line_) + ": " + std::string(what)};
}

// The form stays unknown, so that nothing is read by it.
Status WordVectors::give_up(Status status) {
  form_ = Form::kUnknown;
  return status;
}

Status WordVectors::append(std::string_view bytes) {
  if (is_full()) return Status::ok();
  pending_ += bytes;
  if (form_ == Form::kUnknown) {
    if (pending_.size() < kBeginning) return Status::ok();
    if (Status status = begin(); !status.is_ok()) return give_up(status);
  }
  return read(false);
}

Status WordVectors::finish() {
  if (is_full()) return Status::ok();
  if (form_ == Form::kUnknown) {
    if (Status status = begin(); !status.is_ok()) return give_up(status);
  }
  if (Status status = read(true); !status.is_ok()) return status;
  if (count_ == 0) return {Code::kCorrupt, "there are no word vectors"};
  return Status::ok();
}

// Takes the first line where it says what follows, and finds out which form that has.
Status WordVectors::begin() {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (pending_.starts_with(kByteOrderMark)) pending_.erase(0, kByteOrderMark.size());
  form_ = Form::kText;
  const std::string_view all = pending_;
  const std::size_t first_end = std::min(all.find('\n'), all.size());
  if (const auto header = header_of(all.substr(0, first_end))) {
    line_ = 1;
    declared_count_ = header->first;
    columns_ = header->second;
    if (columns_ == 0 || columns_ > kMostColumns)
      return wrong("the header gives " + std::to_string(columns_) + " columns");
    const std::string_view rest = all.substr(std::min(first_end + 1, all.size()));
    const std::string_view second = right_trimmed(rest.substr(0, rest.find('\n')));
    const std::size_t fields = last_fields(second, columns_);
    if (fields == std::string_view::npos || !are_numbers(second.substr(fields))) form_ = Form::kBinary;
    pending_.erase(0, all.size() - rest.size());
  } else {
    columns_ = usual_spaces(all);
    line_ = 1;
    if (columns_ == 0 || columns_ > kMostColumns) return wrong("expected a word and numbers, separated by spaces");
    line_ = 0;
  }
  // Some 16 MiB.
  rows_in_block_ = std::max<std::size_t>(1, (std::size_t{1} << 22) / columns_);
  return Status::ok();
}

Status WordVectors::read(bool is_end) {
  if (form_ == Form::kBinary) return read_binary(is_end);
  std::size_t done = 0;
  while (!is_full()) {
    std::size_t end = pending_.find('\n', done);
    if (end == std::string::npos) {
      if (pending_.size() - done > kLongestLine) return wrong("the next line is too long");
      if (!is_end || done == pending_.size()) break;
      end = pending_.size();
    }
    ++line_;
    const std::string_view line = right_trimmed(std::string_view(pending_).substr(done, end - done));
    if (Status status = line.empty() ? Status::ok() : read_line(line); !status.is_ok()) return status;
    done = std::min(end + 1, pending_.size());
  }
  pending_.erase(0, done);
  return Status::ok();
}

Status WordVectors::read_line(std::string_view line) {
  const std::size_t fields = last_fields(line, columns_);
  if (fields == std::string_view::npos || fields < 2) {
    const auto found = std::count(line.begin(), line.end(), ' ');
    return wrong("expected a word and " + std::to_string(columns_) + " numbers but found " + std::to_string(found) +
                 " after the first field");
  }
  const std::string_view word = line.substr(0, fields - 1);
  float* const row = new_row();
  std::size_t at = fields;
  for (std::size_t column = 0; column < columns_; ++column) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    const std::optional<float> value = read_number(line.substr(at, end - at));
    if (!value || !std::isfinite(*value)) {
      return wrong("expected a finite number for column " + std::to_string(column) + " but found \"" +
                   std::string(line.substr(at, std::min<std::size_t>(end - at, 40))) + "\"");
    }
    row[column] = *value;
    at = end + 1;
  }
  words_.append(word).push_back('\n');
  ++count_;
  return Status::ok();
}

Status WordVectors::read_binary(bool is_end) {
  const std::size_t row_bytes = columns_ * sizeof(float);
  std::size_t done = 0;
  while (!is_full() && count_ < declared_count_) {
    // Some tools end an entry with a line feed.
    while (done < pending_.size() && pending_[done] == '\n') ++done;
    const std::size_t space = pending_.find(' ', done);
    if (space == std::string::npos ? pending_.size() - done > kLongestLine : space - done > kLongestLine) {
      return wrong("it has no end");
    }
    if (space == std::string::npos || pending_.size() - space - 1 < row_bytes) {
      if (is_end) return wrong("the file ends in it, of " + std::to_string(declared_count_));
      break;
    }
    const std::string_view word = std::string_view(pending_).substr(done, space - done);
    if (word.empty() || word.find('\n') != std::string_view::npos) return wrong("it is empty or has a line feed");
    float* const row = new_row();
    std::memcpy(row, pending_.data() + space + 1, row_bytes);
    if (!std::all_of(row, row + columns_, [](float value) { return std::isfinite(value); })) {
      return wrong("its vector has a number that is not finite");
    }
    words_.append(word).push_back('\n');
    ++count_;
    done = space + 1 + row_bytes;
  }
  pending_.erase(0, done);
  if (count_ == declared_count_) pending_.clear();
  return Status::ok();
}

// Memory of the row that is read next.
float* WordVectors::new_row() {
  const std::size_t row = count_ % rows_in_block_;
  if (row == 0 && count_ / rows_in_block_ == blocks_.size()) blocks_.emplace_back(rows_in_block_ * columns_);
  return blocks_.back().data() + row * columns_;
}

Result<std::shared_ptr<const EmbeddingTable>> WordVectors::take_table(std::size_t more) {
  if (more > SIZE_MAX - count_) return Status{Code::kOutOfMemory, "more rows than can be"};
  return EmbeddingTable::from_f32(count_ + more, columns_, [&](float* values) {
    std::size_t row = 0;
    for (Buffer<float>& block : blocks_) {
      const std::size_t taken = std::min(rows_in_block_, count_ - row);
      std::copy_n(block.data(), taken * columns_, values + row * columns_);
      row += taken;
      block = {};
    }
    std::fill_n(values + row * columns_, more * columns_, 0.0f);
    blocks_.clear();
    words_.clear();
    count_ = 0;
  });
}

}  // namespace stillvec::model
