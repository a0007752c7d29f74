#include "binding/search.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "binding/args.h"
#include "binding/environment.h"
#include "model/quantizer.h"
#include "search/similarity.h"
#include "search/top_k.h"

namespace stillvec::binding {
namespace {

search::Matrix matrix_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name, std::size_t dim) {
  const std::span<const float> values = array_argument<float>(info, index, name);
  if (dim == 0 || values.size() % dim != 0) {
    fail_argument(info.Env(), std::string("expected rows of dim values for ") + name);
  }
  return {values.data(), values.size() / dim, dim};
}

search::Similarity similarity_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "similarity");
  if (name == "cosine") return search::Similarity::kCosine;
  if (name == "dot") return search::Similarity::kDot;
  if (name == "euclidean") return search::Similarity::kEuclidean;
  if (name == "manhattan") return search::Similarity::kManhattan;
  fail_argument(info.Env(), "expected cosine, dot, euclidean or manhattan for similarity but received " + name);
}

// similarity(a, b, dim, similarity): Float32Array, a's rows x b's rows
Napi::Value similarity(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 2, "dim");
  const search::Matrix a = matrix_argument(info, 0, "a", dim), b = matrix_argument(info, 1, "b", dim);
  const search::Similarity kind = similarity_argument(info, 3);
  auto out = Napi::Float32Array::New(info.Env(), a.rows * b.rows);
  search::similarity_matrix(kind, a, b, Environment::of(info.Env()).pool(), out.Data());
  return out;
}

// similarityPairwise(a, b, dim, similarity): Float32Array, one a row
Napi::Value similarity_pairwise(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 2, "dim");
  const search::Matrix a = matrix_argument(info, 0, "a", dim), b = matrix_argument(info, 1, "b", dim);
  const search::Similarity kind = similarity_argument(info, 3);
  if (a.rows != b.rows) fail_argument(info.Env(), "expected as many rows in a as in b");
  auto out = Napi::Float32Array::New(info.Env(), a.rows);
  search::similarity_pairwise(kind, a, b, {0, a.rows}, out.Data());
  return out;
}

// topK(queries, corpus, dim, k, similarity): { indices: Uint32Array, scores: Float32Array }, queries x k
Napi::Value top_k(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 2, "dim");
  const search::Matrix queries = matrix_argument(info, 0, "queries", dim);
  const search::Matrix corpus = matrix_argument(info, 1, "corpus", dim);
  const std::size_t k = integer_argument(info, 3, "k");
  if (corpus.rows > UINT32_MAX) fail(env, {Code::kUnsupported, "more than 2^32 - 1 corpus rows"});
  const search::Hits hits =
      search::top_k(similarity_argument(info, 4), queries, corpus, k, Environment::of(env).pool());
  auto indices = Napi::Uint32Array::New(env, hits.indices.size());
  auto scores = Napi::Float32Array::New(env, hits.scores.size());
  std::ranges::copy(hits.indices, indices.Data());
  std::ranges::copy(hits.scores, scores.Data());
  Napi::Object result = Napi::Object::New(env);
  result.Set("indices", indices);
  result.Set("scores", scores);
  return result;
}

// columnRanges(embeddings, dim): Float32Array of 2 x dim, the least and then the greatest value of each column
Napi::Value column_ranges(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 1, "dim");
  const search::Matrix rows = matrix_argument(info, 0, "embeddings", dim);
  model::ColumnRanges ranges(dim);
  ranges.extend(rows.data, rows.rows);
  auto out = Napi::Float32Array::New(info.Env(), 2 * dim);
  std::ranges::copy(ranges.min(), out.Data());
  std::ranges::copy(ranges.max(), out.Data() + dim);
  return out;
}

// quantize(embeddings, dim, ranges, out: Int8Array | Uint8Array): void
Napi::Value quantize(const Napi::CallbackInfo& info) {
  const std::size_t dim = integer_argument(info, 1, "dim");
  const search::Matrix rows = matrix_argument(info, 0, "embeddings", dim);
  const std::span<const float> ranges = array_argument<float>(info, 2, "ranges");
  if (ranges.size() != 2 * dim) fail_argument(info.Env(), "expected a minimum and a maximum a column for ranges");
  const bool is_signed = info[3].IsTypedArray() && info[3].As<Napi::TypedArray>().TypedArrayType() == napi_int8_array;
  const std::span<std::byte> out = is_signed ? std::as_writable_bytes(array_argument<std::int8_t>(info, 3, "out"))
                                             : std::as_writable_bytes(array_argument<std::uint8_t>(info, 3, "out"));
  if (out.size() != rows.rows * dim) fail_argument(info.Env(), "expected room for one byte a value in out");
  const model::Quantizer quantizer(ranges.first(dim), ranges.last(dim));
  quantizer.quantize(rows.data, 0, rows.rows, is_signed ? model::QuantizedDtype::kInt8 : model::QuantizedDtype::kUint8,
                     out.data());
  return info.Env().Undefined();
}

}  // namespace

void define_search(Napi::Env env, Napi::Object exports) {
  exports.Set("similarity", Napi::Function::New<similarity>(env, "similarity"));
  exports.Set("similarityPairwise", Napi::Function::New<similarity_pairwise>(env, "similarityPairwise"));
  exports.Set("topK", Napi::Function::New<top_k>(env, "topK"));
  exports.Set("columnRanges", Napi::Function::New<column_ranges>(env, "columnRanges"));
  exports.Set("quantize", Napi::Function::New<quantize>(env, "quantize"));
}

}  // namespace stillvec::binding
