#include "binding/search.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "binding/args.h"
#include "binding/arrays.h"
#include "binding/cancellation.h"
#include "binding/environment.h"
#include "binding/row_buffer.h"
#include "binding/task.h"
#include "model/quantizer.h"
#include "search/similarity.h"
#include "search/top_k.h"

namespace stillvec::binding {
namespace {

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
  SharedFloats floats = shared_floats_argument(info, index, name);
  return {std::move(floats.keeper), rows_of(info.Env(), floats.data, floats.count, dim, name)};
}

search::Similarity similarity_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "similarity");
  if (name == "cosine") return search::Similarity::kCosine;
  if (name == "dot") return search::Similarity::kDot;
  if (name == "euclidean") return search::Similarity::kEuclidean;
  if (name == "manhattan") return search::Similarity::kManhattan;
  fail_argument(info.Env(), "expected cosine, dot, euclidean or manhattan for similarity but received " + name);
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

void check_corpus(Napi::Env env, const search::Matrix& corpus) {
  if (corpus.rows > UINT32_MAX) fail(env, {Code::kUnsupported, "more than 2^32 - 1 corpus rows"});
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

// topK(queries, corpus, dim, k, similarity): { indices: Uint32Array, scores: Float32Array }, queries x k
Napi::Value top_k(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 2, "dim");
  const search::Matrix queries = matrix_argument(info, 0, "queries", dim);
  const search::Matrix corpus = matrix_argument(info, 1, "corpus", dim);
  const std::size_t k = integer_argument(info, 3, "k");
  check_corpus(env, corpus);
  return to_object(env, search::top_k(similarity_argument(info, 4), queries, corpus, k, Environment::of(env).pool()));
}

// topKAsync(queries, corpus, dim, k, similarity, begin, end, cancellation): Promise of what topK gives for the queries
// [begin, end)
Napi::Value top_k_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 2, "dim");
  const auto queries = shared_matrix_argument(info, 0, "queries", dim);
  const auto corpus = shared_matrix_argument(info, 1, "corpus", dim);
  const std::size_t k = integer_argument(info, 3, "k");
  const search::Similarity kind = similarity_argument(info, 4);
  check_corpus(env, corpus.rows);
  const std::size_t begin = integer_argument(info, 5, "begin"), end = integer_argument(info, 6, "end");
  if (begin > end || end > queries.rows.rows) fail_argument(env, "expected begin <= end <= queries for begin and end");
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 7, "cancellation").flag();
  return run_on_thread(env,
                       [queries, corpus, k, kind, begin, end, flag,
                        &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
                         const search::Matrix part = {queries.rows.row(begin), end - begin, queries.rows.dim};
                         search::TopKSearch search(kind, part, corpus.rows, k);
                         pool.parallel_for(search.pieces(), [&](std::size_t piece, unsigned) {
                           if (!ended && !*flag) search.run(piece);
                         });
                         if (ended || *flag) return settle_aborted();
                         return settle_hits(search.hits());
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
  export_function<quantize>(env, exports, "quantize");
  export_function<quantize_async>(env, exports, "quantizeAsync");
}

}  // namespace stillvec::binding
