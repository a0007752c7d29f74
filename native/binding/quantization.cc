#include "binding/quantization.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/environment.h"
#include "binding/row_buffer.h"
#include "binding/rows.h"
#include "binding/task.h"
#include "model/quantizer.h"

namespace stillvec::binding {
namespace {

using search::RowFormat;

SharedRows floats_argument(const Napi::CallbackInfo& info, std::size_t dim, bool for_threads) {
  return rows_argument(info, 0, "embeddings", RowFormat::kFloat32, dim, for_threads);
}

// Two rows: the least value of each column, and the greatest.
Napi::Value to_array(Napi::Env env, const model::ColumnRanges& ranges) {
  auto array = new_array<float>(env, 2 * ranges.min().size());
  std::ranges::copy(ranges.min(), array.Data());
  std::ranges::copy(ranges.max(), array.Data() + ranges.min().size());
  return array;
}

// columnRanges(embeddings: Float32Array, dim): Float32Array
Napi::Value column_ranges(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 1, "dim");
  const SharedRows rows = floats_argument(info, dim, false);
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return to_array(info.Env(), model::column_ranges(rows.floats(), rows.rows.rows, dim, pool));
}

// columnRangesAsync(embeddings, dim): Promise<Float32Array>
Napi::Value column_ranges_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 1, "dim");
  const SharedRows rows = floats_argument(info, dim, true);
  return run_on_thread(env, [rows, dim, &pool = Environment::of(env).pool()](const std::atomic<bool>&) -> Settle {
    auto ranges = model::column_ranges(rows.floats(), rows.rows.rows, dim, pool);
    return [ranges = std::move(ranges)](Napi::Env settling) { return to_array(settling, ranges); };
  });
}

// Arguments embeddings, dim, precision and ranges, as columnRanges gives them; bits have none.
struct QuantizeCall {
  SharedRows embeddings;
  RowFormat format;
  std::vector<float> ranges;

  std::size_t row_bytes() const {
    const std::size_t dim = embeddings.rows.dim;
    return are_bits() ? (dim + 7) / 8 : dim;
  }
  bool are_bits() const { return format == RowFormat::kBinary || format == RowFormat::kUbinary; }

  void quantize(ThreadPool& pool, std::byte* out) const {
    const auto& [data, rows, dim, _] = embeddings.rows;
    if (are_bits()) {
      model::pack_sign_rows(embeddings.floats(), rows, dim, format == RowFormat::kBinary ? 0x80 : 0, pool, out);
      return;
    }
    const std::span<const float> both = ranges;
    const model::Quantizer quantizer(both.first(dim), both.last(dim));
    const auto dtype = format == RowFormat::kInt8 ? model::QuantizedDtype::kInt8 : model::QuantizedDtype::kUint8;
    model::quantize_rows(embeddings.floats(), rows, quantizer, dtype, pool, out);
  }
};

QuantizeCall quantize_arguments(const Napi::CallbackInfo& info, bool for_threads) {
  const std::size_t dim = integer_argument(info, 1, "dim");
  QuantizeCall call = {floats_argument(info, dim, for_threads), format_argument(info, 2), {}};
  if (call.format == RowFormat::kFloat32) fail_argument(info.Env(), "expected a quantized precision for precision");
  const std::span<const float> ranges = array_argument<float>(info, 3, "ranges");
  if (ranges.size() != (call.are_bits() ? 0 : 2 * dim)) fail_argument(info.Env(), "expected 2 x dim values for ranges");
  call.ranges.assign(ranges.begin(), ranges.end());
  return call;
}

// quantize(embeddings: Float32Array, dim, precision, ranges: Float32Array, out: Int8Array | Uint8Array): void
Napi::Value quantize(const Napi::CallbackInfo& info) {
  const QuantizeCall call = quantize_arguments(info, false);
  const bool is_signed = call.format == RowFormat::kInt8 || call.format == RowFormat::kBinary;
  const std::span<std::byte> out = is_signed ? std::as_writable_bytes(array_argument<std::int8_t>(info, 4, "out"))
                                             : std::as_writable_bytes(array_argument<std::uint8_t>(info, 4, "out"));
  check_size(info.Env(), out.size(), call.embeddings.rows.rows, call.row_bytes(), "out");
  call.quantize(Environment::of(info.Env()).pool(), out.data());
  return info.Env().Undefined();
}

// quantizeAsync(embeddings, dim, precision, ranges, out: RowBuffer): Promise<void>
Napi::Value quantize_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  QuantizeCall call = quantize_arguments(info, true);
  const auto out = object_argument<RowBuffer>(info, 4, "out").memory();
  check_size(env, out->size(), call.embeddings.rows.rows, call.row_bytes(), "out");
  return run_on_thread(env,
                       [call = std::move(call), out, &pool = Environment::of(env).pool()](const std::atomic<bool>&) {
                         call.quantize(pool, out->bytes.data());
                         return settle_undefined();
                       });
}

}  // namespace

void define_quantization(Napi::Env env, Napi::Object exports) {
  export_function<column_ranges>(env, exports, "columnRanges");
  export_function<column_ranges_async>(env, exports, "columnRangesAsync");
  export_function<quantize>(env, exports, "quantize");
  export_function<quantize_async>(env, exports, "quantizeAsync");
}

}  // namespace stillvec::binding
