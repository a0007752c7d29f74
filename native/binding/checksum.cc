#include "binding/checksum.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "binding/args.h"
#include "binding/task.h"
#include "model/checksum.h"

namespace stillvec::binding {
namespace {

Napi::String hexadecimal(Napi::Env env, std::uint64_t value) {
  std::string digits(16, '0');
  for (std::size_t i = digits.size(); i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return Napi::String::New(env, digits);
}

// checksum(bytes: Uint8Array): string of 16 digits
Napi::Value checksum(const Napi::CallbackInfo& info) {
  return hexadecimal(info.Env(), model::checksum(std::as_bytes(array_argument<std::uint8_t>(info, 0, "bytes"))));
}

// checksumFile(path, byteOffset): Promise<string>, of all that follows the offset
Napi::Value checksum_file(const Napi::CallbackInfo& info) {
  struct Job {
    model::File file;
    std::uint64_t offset, bytes;
    std::vector<Result<std::uint64_t>> blocks;
  };
  const Napi::Env env = info.Env();
  model::File file = unwrap(env, model::File::open(string_argument(info, 0, "path")));
  const std::uint64_t offset = integer_argument(info, 1, "byteOffset");
  if (offset > file.size()) fail(env, {Code::kCorrupt, "the file ends before the bytes to check begin"});
  const std::uint64_t bytes = file.size() - offset;
  const auto count = static_cast<std::size_t>(model::checksum_blocks(bytes));
  auto job = std::make_shared<Job>(
      Job{std::move(file), offset, bytes, std::vector<Result<std::uint64_t>>(count, std::uint64_t{0})});
  return run_on_pool(
      env, count,
      [job](std::size_t i, unsigned) {
        const std::uint64_t begin = i * model::kChecksumBlock;
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(model::kChecksumBlock, job->bytes - begin));
        job->blocks[i] = model::block_checksum(job->file, job->offset + begin, n);
      },
      [job](Napi::Env env) -> Napi::Value {
        std::vector<std::uint64_t> blocks;
        for (const Result<std::uint64_t>& block : job->blocks) blocks.push_back(unwrap(env, block));
        return hexadecimal(env, model::combine_checksums(blocks, job->bytes));
      });
}

}  // namespace

void define_checksum(Napi::Env env, Napi::Object exports) {
  export_function<checksum>(env, exports, "checksum");
  export_function<checksum_file>(env, exports, "checksumFile");
}

}  // namespace stillvec::binding
