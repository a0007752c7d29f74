#include "binding/search.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/cancellation.h"
#include "binding/environment.h"
#include "binding/fields.h"
#include "binding/row_buffer.h"
#include "binding/task.h"
#include "model/quantizer.h"
#include "search/communities.h"
#include "search/rows.h"
#include "search/similarity.h"
#include "search/top_k.h"

namespace stillvec::binding {
namespace {

constexpr std::size_t kMostDim = std::size_t{1} << 31;  // so that the bytes of a row can be counted

search::Matrix rows_of(Napi::Env env, const float* data, std::size_t count, std::size_t dim, const char* name) {
  if (dim == 0 || count % dim != 0) fail_argument(env, std::string("expected rows of dim values for ") + name);
  return {data, count / dim, dim};
}

search::Matrix matrix_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name, std::size_t dim) {
  const std::span<const float> values = array_argument<float>(info, index, name);
  return rows_of(info.Env(), values.data(), values.size(), dim, name);
}

// A matrix that threads may read, and what keeps it there.
struct SharedMatrix {
  std::shared_ptr<const void> keeper;
  search::Matrix rows;
};

SharedMatrix shared_matrix_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name,
                                    std::size_t dim) {
  SharedBytes bytes = shared_bytes_value(info[index], name, napi_float32_array);
  const auto* floats = reinterpret_cast<const float*>(bytes.data);
  return {std::move(bytes.keeper), rows_of(info.Env(), floats, bytes.size / sizeof(float), dim, name)};
}

search::RowFormat format_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "precision");
  if (name == "float32") return search::RowFormat::kFloat32;
  if (name == "int8") return search::RowFormat::kInt8;
  if (name == "uint8") return search::RowFormat::kUint8;
  if (name == "binary") return search::RowFormat::kBinary;
  if (name == "ubinary") return search::RowFormat::kUbinary;
  fail_argument(info.Env(), "expected float32, int8, uint8, binary or ubinary for precision but received " + name);
}

napi_typedarray_type array_type(search::RowFormat format) {
  switch (format) {
    case search::RowFormat::kFloat32: return napi_float32_array;
    case search::RowFormat::kInt8:
    case search::RowFormat::kBinary: return napi_int8_array;
    case search::RowFormat::kUint8:
    case search::RowFormat::kUbinary: return napi_uint8_array;
  }
  return napi_float32_array;
}

// Rows of any format, and what keeps them there where threads read them.
struct SharedRows {
  std::shared_ptr<const void> keeper;
  search::Rows rows;
};

// Arguments `index` and `index` + 1: the values, and their precision.
SharedRows rows_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name, std::size_t dim,
                         bool for_threads) {
  search::Rows rows{.dim = dim, .format = format_argument(info, index + 1)};
  const napi_typedarray_type type = array_type(rows.format);
  const bool is_packed = rows.format == search::RowFormat::kBinary || rows.format == search::RowFormat::kUbinary;
  SharedBytes bytes;
  if (for_threads) {
    bytes = shared_bytes_value(info[index], name, type);
  } else if (type == napi_float32_array) {
    const auto floats = std::as_bytes(array_argument<float>(info, index, name));
    bytes = {nullptr, floats.data(), floats.size()};
  } else if (type == napi_int8_array) {
    const auto values = std::as_bytes(array_argument<std::int8_t>(info, index, name));
    bytes = {nullptr, values.data(), values.size()};
  } else {
    const auto values = std::as_bytes(array_argument<std::uint8_t>(info, index, name));
    bytes = {nullptr, values.data(), values.size()};
  }
  const std::size_t row_bytes = rows.row_bytes();
  if (dim > kMostDim || row_bytes == 0 || bytes.size % row_bytes != 0 || (is_packed && dim % 8 != 0)) {
    fail_argument(info.Env(), std::string("expected rows of dim values for ") + name);
  }
  rows.data = bytes.data;
  rows.rows = bytes.size / row_bytes;
  if (rows.rows >= UINT32_MAX) fail(info.Env(), {Code::kUnsupported, "more than 2^32 - 2 rows"});
  return {std::move(bytes.keeper), rows};
}

search::Similarity similarity_named(Napi::Env env, const std::string& name) {
  if (name == "cosine") return search::Similarity::kCosine;
  if (name == "dot") return search::Similarity::kDot;
  if (name == "euclidean") return search::Similarity::kEuclidean;
  if (name == "manhattan") return search::Similarity::kManhattan;
  fail_argument(env, "expected cosine, dot, euclidean or manhattan for similarity but received " + name);
}

search::Similarity similarity_argument(const Napi::CallbackInfo& info, std::size_t index) {
  return similarity_named(info.Env(), string_argument(info, index, "similarity"));
}

model::QuantizedDtype quantized_dtype_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "dtype");
  if (name == "int8") return model::QuantizedDtype::kInt8;
  if (name == "uint8") return model::QuantizedDtype::kUint8;
  fail_argument(info.Env(), "expected int8 or uint8 for dtype but received " + name);
}

void check_same_rows(Napi::Env env, const search::Matrix& a, const search::Matrix& b) {
  if (a.rows != b.rows) fail_argument(env, "expected as many rows in a as in b");
}

void check_size(Napi::Env env, std::size_t size, std::size_t rows, std::size_t columns, const char* name) {
  if (columns != 0 && rows > SIZE_MAX / columns) fail(env, {Code::kOutOfMemory, "a result too large to address"});
  if (size != rows * columns) fail_argument(env, std::string("expected room for the result in ") + name);
}

Napi::Value to_object(Napi::Env env, const search::Hits& hits) {
  auto indices = new_array<std::uint32_t>(env, hits.indices.size());
  auto scores = new_array<float>(env, hits.scores.size());
  std::ranges::copy(hits.indices, indices.Data());
  std::ranges::copy(hits.scores, scores.Data());
  Napi::Object result = Napi::Object::New(env);
  result.Set("indices", indices);
  result.Set("scores", scores);
  return result;
}

Settle settle_hits(search::Hits hits) {
  return [hits = std::move(hits)](Napi::Env env) { return to_object(env, hits); };
}

Settle settle_undefined() {
  return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
}

Settle settle_aborted() { return settle_failure({Code::kAborted, "the call was aborted"}); }

// similarity(a, b, dim, similarity, out: Float32Array): void. Every row of a against every row of b.
Napi::Value similarity(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 2, "dim");
  const search::Matrix a = matrix_argument(info, 0, "a", dim), b = matrix_argument(info, 1, "b", dim);
  const search::Similarity kind = similarity_argument(info, 3);
  const std::span<float> out = array_argument<float>(info, 4, "out");
  check_size(info.Env(), out.size(), a.rows, b.rows, "out");
  search::similarity_matrix(kind, a, b, Environment::of(info.Env()).pool(), out.data());
  return info.Env().Undefined();
}

// similarityAsync(a, b, dim, similarity, out: RowBuffer, cancellation): Promise<void>
Napi::Value similarity_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 2, "dim");
  const auto a = shared_matrix_argument(info, 0, "a", dim), b = shared_matrix_argument(info, 1, "b", dim);
  const search::Similarity kind = similarity_argument(info, 3);
  const auto out = object_argument<RowBuffer>(info, 4, "out").memory();
  check_size(env, out->size() / sizeof(float), a.rows.rows, b.rows.rows, "out");
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 5, "cancellation").flag();
  return run_on_thread(env,
                       [a, b, kind, out, flag, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) {
                         constexpr std::size_t kRows = 256;  // of `a`, between two looks at the flags
                         for (std::size_t begin = 0; begin < a.rows.rows; begin += kRows) {
                           if (ended || *flag) return settle_aborted();
                           const std::size_t rows = std::min(kRows, a.rows.rows - begin);
                           search::similarity_matrix(kind, {a.rows.row(begin), rows, a.rows.dim}, b.rows, pool,
                                                     reinterpret_cast<float*>(out->bytes.data()) + begin * b.rows.rows);
                         }
                         return settle_undefined();
                       });
}

// similarityPairwise(a, b, dim, similarity, out: Float32Array): void. Row i of a against row i of b.
Napi::Value similarity_pairwise(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 2, "dim");
  const search::Matrix a = matrix_argument(info, 0, "a", dim), b = matrix_argument(info, 1, "b", dim);
  const search::Similarity kind = similarity_argument(info, 3);
  check_same_rows(info.Env(), a, b);
  const std::span<float> out = array_argument<float>(info, 4, "out");
  check_size(info.Env(), out.size(), a.rows, 1, "out");
  search::similarity_pairwise(kind, a, b, {0, a.rows}, out.data());
  return info.Env().Undefined();
}

// similarityPairwiseAsync(a, b, dim, similarity, out: RowBuffer, cancellation): Promise<void>
Napi::Value similarity_pairwise_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 2, "dim");
  const auto a = shared_matrix_argument(info, 0, "a", dim), b = shared_matrix_argument(info, 1, "b", dim);
  const search::Similarity kind = similarity_argument(info, 3);
  check_same_rows(env, a.rows, b.rows);
  const auto out = object_argument<RowBuffer>(info, 4, "out").memory();
  check_size(env, out->size() / sizeof(float), a.rows.rows, 1, "out");
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 5, "cancellation").flag();
  return run_on_thread(env, [a, b, kind, out, flag,
                             &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) {
    constexpr std::size_t kRows = 1024;
    pool.parallel_for((a.rows.rows + kRows - 1) / kRows, [&](std::size_t chunk, unsigned) {
      if (ended || *flag) return;
      const search::RowRange rows = {chunk * kRows, std::min(a.rows.rows, (chunk + 1) * kRows)};
      search::similarity_pairwise(kind, a.rows, b.rows, rows, reinterpret_cast<float*>(out->bytes.data()) + rows.begin);
    });
    return *flag ? settle_aborted() : settle_undefined();
  });
}

// What topK and topKAsync are asked: arguments queries, precision, corpus, precision, dim and
// { k, similarity, atLeast, earlier, begin, end }.
struct TopKCall {
  SharedRows queries, corpus;
  search::TopKRequest request;
  search::RowRange range;
};

TopKCall top_k_arguments(const Napi::CallbackInfo& info, bool for_threads) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 4, "dim");
  if (!info[5].IsObject()) fail_argument(env, "expected an object for request");
  const Napi::Object asked = info[5].As<Napi::Object>();
  TopKCall call;
  call.request.k = integer_field(asked, "k");
  call.request.similarity = similarity_named(env, string_field(asked, "similarity"));
  call.request.at_least = static_cast<float>(number_field(asked, "atLeast"));
  call.request.earlier = boolean_field(asked, "earlier");
  call.range = {integer_field(asked, "begin"), integer_field(asked, "end")};
  // After the fields, whose reading may run JavaScript that takes memory away.
  call.queries = rows_argument(info, 0, "queries", dim, for_threads);
  call.corpus = rows_argument(info, 2, "corpus", dim, for_threads);
  const auto& [begin, end] = call.range;
  if (begin > end || end > call.queries.rows.rows) fail_argument(env, "expected begin <= end <= queries");
  const std::size_t k = std::min(call.request.k, call.corpus.rows.rows);
  if (k != 0 && call.range.size() > SIZE_MAX / sizeof(float) / k) {
    fail(env, {Code::kOutOfMemory, "a result too large to address"});
  }
  return call;
}

// topK(queries, precision, corpus, precision, dim, request): { indices: Uint32Array, scores: Float32Array }, of the
// queries [begin, end) x k
Napi::Value top_k(const Napi::CallbackInfo& info) {
  const TopKCall call = top_k_arguments(info, false);
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return to_object(info.Env(), search::top_k(call.request, call.queries.rows, call.range, call.corpus.rows, pool));
}

// topKAsync(queries, precision, corpus, precision, dim, request, cancellation): Promise of what topK gives
Napi::Value top_k_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  TopKCall call = top_k_arguments(info, true);
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 6, "cancellation").flag();
  return run_on_thread(
      env,
      [call = std::move(call), flag, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
        const auto stops = [&] { return ended || *flag; };
        search::Hits hits = search::top_k(call.request, call.queries.rows, call.range, call.corpus.rows, pool, stops);
        return stops() ? settle_aborted() : settle_hits(std::move(hits));
      });
}

// { members: Uint32Array, sizes: Uint32Array }: the communities, one after the other.
Napi::Value to_object(Napi::Env env, const std::vector<std::vector<std::uint32_t>>& communities) {
  std::size_t count = 0;
  for (const auto& community : communities) count += community.size();
  auto members = new_array<std::uint32_t>(env, count);
  auto sizes = new_array<std::uint32_t>(env, communities.size());
  std::uint32_t* member = members.Data();
  for (std::size_t i = 0; i < communities.size(); ++i) {
    member = std::ranges::copy(communities[i], member).out;
    sizes[i] = static_cast<std::uint32_t>(communities[i].size());
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("members", members);
  result.Set("sizes", sizes);
  return result;
}

// Arguments embeddings, precision, dim, threshold and least.
struct CommunitiesCall {
  SharedRows embeddings;
  float threshold;
  std::size_t least;
};

CommunitiesCall communities_arguments(const Napi::CallbackInfo& info, bool for_threads) {
  const std::size_t dim = integer_argument(info, 2, "dim");
  return {rows_argument(info, 0, "embeddings", dim, for_threads),
          static_cast<float>(number_argument(info, 3, "threshold")), integer_argument(info, 4, "least")};
}

// communities(embeddings, precision, dim, threshold, least): { members, sizes }
Napi::Value communities(const Napi::CallbackInfo& info) {
  const CommunitiesCall call = communities_arguments(info, false);
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return to_object(info.Env(), search::communities(call.embeddings.rows, call.threshold, call.least, pool));
}

// communitiesAsync(embeddings, precision, dim, threshold, least, cancellation): Promise of what communities gives
Napi::Value communities_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  CommunitiesCall call = communities_arguments(info, true);
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 5, "cancellation").flag();
  return run_on_thread(
      env,
      [call = std::move(call), flag, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
        const auto stops = [&] { return ended || *flag; };
        auto found = search::communities(call.embeddings.rows, call.threshold, call.least, pool, stops);
        if (stops()) return settle_aborted();
        return [found = std::move(found)](Napi::Env settling) { return to_object(settling, found); };
      });
}

// quantize(embeddings, dim, dtype, out: Int8Array | Uint8Array): void
Napi::Value quantize(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 1, "dim");
  const search::Matrix rows = matrix_argument(info, 0, "embeddings", dim);
  const model::QuantizedDtype dtype = quantized_dtype_argument(info, 2);
  const std::span<std::byte> out = dtype == model::QuantizedDtype::kInt8
                                       ? std::as_writable_bytes(array_argument<std::int8_t>(info, 3, "out"))
                                       : std::as_writable_bytes(array_argument<std::uint8_t>(info, 3, "out"));
  check_size(info.Env(), out.size(), rows.rows, dim, "out");
  model::quantize_rows(rows.data, rows.rows, dim, dtype, Environment::of(info.Env()).pool(), out.data());
  return info.Env().Undefined();
}

// quantizeAsync(embeddings, dim, dtype, out: RowBuffer): Promise<void>
Napi::Value quantize_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 1, "dim");
  const auto rows = shared_matrix_argument(info, 0, "embeddings", dim);
  const model::QuantizedDtype dtype = quantized_dtype_argument(info, 2);
  const auto out = object_argument<RowBuffer>(info, 3, "out").memory();
  check_size(env, out->size(), rows.rows.rows, dim, "out");
  return run_on_thread(env, [rows, dtype, out, &pool = Environment::of(env).pool()](const std::atomic<bool>&) {
    model::quantize_rows(rows.rows.data, rows.rows.rows, rows.rows.dim, dtype, pool, out->bytes.data());
    return settle_undefined();
  });
}

}  // namespace

void define_search(Napi::Env env, Napi::Object exports) {
  export_function<similarity>(env, exports, "similarity");
  export_function<similarity_async>(env, exports, "similarityAsync");
  export_function<similarity_pairwise>(env, exports, "similarityPairwise");
  export_function<similarity_pairwise_async>(env, exports, "similarityPairwiseAsync");
  export_function<top_k>(env, exports, "topK");
  export_function<top_k_async>(env, exports, "topKAsync");
  export_function<communities>(env, exports, "communities");
  export_function<communities_async>(env, exports, "communitiesAsync");
  export_function<quantize>(env, exports, "quantize");
  export_function<quantize_async>(env, exports, "quantizeAsync");
}

}  // namespace stillvec::binding
