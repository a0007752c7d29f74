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
#include "binding/rows.h"
#include "binding/task.h"
#include "search/communities.h"
#include "search/fusion.h"
#include "search/rescore.h"
#include "search/similarity.h"
#include "search/top_k.h"

namespace stillvec::binding {
namespace {

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

void check_same_rows(Napi::Env env, const search::Rows& a, const search::Rows& b) {
  if (a.rows != b.rows) fail_argument(env, "expected as many rows in a as in b");
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

Settle settle_aborted() { return settle_failure({Code::kAborted, "the call was aborted"}); }

// Arguments a, precision, b, precision, dim and similarity.
struct PairCall {
  SharedRows a, b;
  search::Similarity similarity;
};

PairCall pair_arguments(const Napi::CallbackInfo& info, bool for_threads) {
  const std::size_t dim = integer_argument(info, 4, "dim");
  const search::Similarity similarity = similarity_argument(info, 5);
  return {rows_argument(info, 0, "a", dim, for_threads), rows_argument(info, 2, "b", dim, for_threads), similarity};
}

// similarity(a, precision, b, precision, dim, similarity, out: Float32Array): void. Every row of a against every row
// of b.
Napi::Value similarity(const Napi::CallbackInfo& info) {
  const PairCall call = pair_arguments(info, false);
  const std::span<float> out = array_argument<float>(info, 6, "out");
  check_size(info.Env(), out.size(), call.a.rows.rows, call.b.rows.rows, "out");
  search::similarity_matrix(call.similarity, call.a.rows, call.b.rows, Environment::of(info.Env()).pool(), out.data());
  return info.Env().Undefined();
}

// similarityAsync(a, precision, b, precision, dim, similarity, out: RowBuffer, cancellation): Promise<void>
Napi::Value similarity_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const PairCall call = pair_arguments(info, true);
  const auto out = object_argument<RowBuffer>(info, 6, "out").memory();
  check_size(env, out->size() / sizeof(float), call.a.rows.rows, call.b.rows.rows, "out");
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 7, "cancellation").flag();
  return run_on_thread(env, [call, out, flag, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) {
    constexpr std::size_t kRows = 256;  // of `a`, between two looks at the flags
    const search::Rows &a = call.a.rows, &b = call.b.rows;
    for (std::size_t begin = 0; begin < a.rows; begin += kRows) {
      if (ended || *flag) return settle_aborted();
      search::similarity_matrix(call.similarity, a.slice({begin, std::min(begin + kRows, a.rows)}), b, pool,
                                reinterpret_cast<float*>(out->bytes.data()) + begin * b.rows);
    }
    return settle_undefined();
  });
}

// similarityPairwise(a, precision, b, precision, dim, similarity, out: Float32Array): void. Row i of a against row i
// of b.
Napi::Value similarity_pairwise(const Napi::CallbackInfo& info) {
  const PairCall call = pair_arguments(info, false);
  check_same_rows(info.Env(), call.a.rows, call.b.rows);
  const std::span<float> out = array_argument<float>(info, 6, "out");
  check_size(info.Env(), out.size(), call.a.rows.rows, 1, "out");
  search::similarity_pairwise(call.similarity, call.a.rows, call.b.rows, {0, call.a.rows.rows}, out.data());
  return info.Env().Undefined();
}

// similarityPairwiseAsync(a, precision, b, precision, dim, similarity, out: RowBuffer, cancellation): Promise<void>
Napi::Value similarity_pairwise_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const PairCall call = pair_arguments(info, true);
  check_same_rows(env, call.a.rows, call.b.rows);
  const auto out = object_argument<RowBuffer>(info, 6, "out").memory();
  check_size(env, out->size() / sizeof(float), call.a.rows.rows, 1, "out");
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 7, "cancellation").flag();
  return run_on_thread(env, [call, out, flag, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) {
    constexpr std::size_t kRows = 1024;
    const std::size_t count = call.a.rows.rows;
    pool.parallel_for((count + kRows - 1) / kRows, [&](std::size_t chunk, unsigned) {
      if (ended || *flag) return;
      const search::RowRange rows = {chunk * kRows, std::min(count, (chunk + 1) * kRows)};
      search::similarity_pairwise(call.similarity, call.a.rows, call.b.rows, rows,
                                  reinterpret_cast<float*>(out->bytes.data()) + rows.begin);
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

// Arguments queries, precision, corpus, precision, dim, similarity, candidates and k.
struct RescoreCall {
  SharedRows queries, corpus;
  search::Similarity similarity;
  std::vector<std::uint32_t> candidates;
  std::size_t k;
};

RescoreCall rescore_arguments(const Napi::CallbackInfo& info, bool for_threads) {
  const Napi::Env env = info.Env();
  const std::size_t dim = integer_argument(info, 4, "dim"), k = integer_argument(info, 7, "k");
  const search::Similarity similarity = similarity_argument(info, 5);
  RescoreCall call = {rows_argument(info, 0, "queries", dim, for_threads),
                      rows_argument(info, 2, "corpus", dim, for_threads),
                      similarity,
                      {},
                      k};
  const auto candidates = array_argument<std::uint32_t>(info, 6, "candidates");
  const std::size_t queries = call.queries.rows.rows, rows = call.corpus.rows.rows;
  if (queries == 0 ? !candidates.empty() : candidates.size() % queries != 0) {
    fail_argument(env, "expected equally many candidates for each query");
  }
  if (std::ranges::any_of(candidates, [rows](std::uint32_t candidate) { return candidate >= rows; })) {
    fail_argument(env, "expected rows of the corpus for candidates");
  }
  call.candidates.assign(candidates.begin(), candidates.end());
  return call;
}

// rescore(queries, precision, corpus, precision, dim, similarity, candidates: Uint32Array, k): { indices, scores }
Napi::Value rescore(const Napi::CallbackInfo& info) {
  const RescoreCall call = rescore_arguments(info, false);
  ThreadPool& pool = Environment::of(info.Env()).pool();
  return to_object(
      info.Env(), search::rescore(call.similarity, call.queries.rows, call.corpus.rows, call.candidates, call.k, pool));
}

// rescoreAsync(queries, precision, corpus, precision, dim, similarity, candidates, k, cancellation): Promise of what
// rescore gives
Napi::Value rescore_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RescoreCall call = rescore_arguments(info, true);
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 8, "cancellation").flag();
  return run_on_thread(
      env,
      [call = std::move(call), flag, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
        const auto stops = [&] { return ended || *flag; };
        search::Hits hits =
            search::rescore(call.similarity, call.queries.rows, call.corpus.rows, call.candidates, call.k, pool, stops);
        return stops() ? settle_aborted() : settle_hits(std::move(hits));
      });
}

search::Normalization normalization_named(Napi::Env env, const std::string& name) {
  if (name == "minmax") return search::Normalization::kMinMax;
  if (name == "zscore") return search::Normalization::kZScore;
  if (name == "rrf") return search::Normalization::kReciprocalRank;
  fail_argument(env, "expected minmax, zscore or rrf for normalization but received " + name);
}

// Arguments first, its columns, the columns of documents: Uint32Array, second, which is queries x documents, and
// { normalization, weight, k }.
struct FusionCall {
  SharedRows first, second;
  std::vector<std::uint32_t> columns;
  search::FusionRequest request;
};

FusionCall fusion_arguments(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t width = integer_argument(info, 1, "columns");
  if (!info[4].IsObject()) fail_argument(env, "expected an object for request");
  const Napi::Object asked = info[4].As<Napi::Object>();
  FusionCall call;
  call.request.normalization = normalization_named(env, string_field(asked, "normalization"));
  call.request.weight = number_field(asked, "weight");
  call.request.k = integer_field(asked, "k");
  // After the fields, whose reading may run JavaScript that takes memory away.
  const auto columns = array_argument<std::uint32_t>(info, 2, "documents");
  if (std::ranges::any_of(columns, [width](std::uint32_t column) { return column >= width; })) {
    fail_argument(env, "expected columns of first for documents");
  }
  call.columns.assign(columns.begin(), columns.end());
  call.first = rows_argument(info, 0, "first", search::RowFormat::kFloat32, width, true);
  call.second = rows_argument(info, 3, "second", search::RowFormat::kFloat32, columns.size(), true);
  check_same_rows(env, call.first.rows, call.second.rows);
  return call;
}

// fuseAsync(first, columns, documents, second, request, cancellation): Promise of { indices, scores }
Napi::Value fuse_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  FusionCall call = fusion_arguments(info);
  const Cancellation::Flag flag = object_argument<Cancellation>(info, 5, "cancellation").flag();
  return run_on_thread(
      env,
      [call = std::move(call), flag, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
        const auto stops = [&] { return ended || *flag; };
        const search::Scores first = {call.first.floats(), call.first.rows.dim, call.columns};
        const search::Scores second = {call.second.floats(), call.second.rows.dim};
        search::Hits hits = search::fuse(call.request, first, second, call.first.rows.rows, pool, stops);
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

}  // namespace

void define_search(Napi::Env env, Napi::Object exports) {
  export_function<similarity>(env, exports, "similarity");
  export_function<similarity_async>(env, exports, "similarityAsync");
  export_function<similarity_pairwise>(env, exports, "similarityPairwise");
  export_function<similarity_pairwise_async>(env, exports, "similarityPairwiseAsync");
  export_function<top_k>(env, exports, "topK");
  export_function<top_k_async>(env, exports, "topKAsync");
  export_function<rescore>(env, exports, "rescore");
  export_function<rescore_async>(env, exports, "rescoreAsync");
  export_function<fuse_async>(env, exports, "fuseAsync");
  export_function<communities>(env, exports, "communities");
  export_function<communities_async>(env, exports, "communitiesAsync");
}

}  // namespace stillvec::binding
