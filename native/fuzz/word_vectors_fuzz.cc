// Any file of word vectors, in two pieces; what is read of it makes a table, and is the same in one piece.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/word_vectors.h"

namespace {

using stillvec::Status;
using stillvec::model::WordVectors;

Status read(WordVectors& vectors, std::string_view first, std::string_view second) {
  if (Status status = vectors.append(first); !status.is_ok()) return status;
  if (Status status = vectors.append(second); !status.is_ok()) return status;
  return vectors.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t limit = 1 + data[0], cut = data[1] * text.size() / 255;
  WordVectors whole(limit), halves(limit);
  const bool is_ok = read(whole, text, {}).is_ok();
  if (read(halves, text.substr(0, cut), text.substr(cut)).is_ok() != is_ok) std::abort();
  if (!is_ok) return 0;
  if (whole.words() != halves.words() || whole.count() > limit) std::abort();
  constexpr std::size_t kMostColumns = 4096;
  if (whole.columns() > kMostColumns) return 0;
  const auto table = whole.take_table(1);
  if (!table.is_ok() || table.value()->rows() != halves.count() + 1) std::abort();
  return 0;
}
