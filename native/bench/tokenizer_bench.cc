// STILLVEC_BENCH_TEXT names a file of texts, one a line; STILLVEC_BENCH_VOCABULARY one of tokens, one a line, as a
// vocab.txt. Without them, both are made up.
#include <benchmark/benchmark.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bench/text_samples.h"
#include "text/pipeline_tokenizer.h"
#include "text/wordpiece/bert_pipeline.h"

namespace stillvec::text {
namespace {

std::vector<std::string> vocabulary() {
  std::vector<std::string> tokens;
  if (const char* path = std::getenv("STILLVEC_BENCH_VOCABULARY")) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) tokens.push_back(line);
    if (!tokens.empty()) return tokens;
  }
  std::set<std::string> all = {".", ","};
  for (char c = 'a'; c <= 'z'; ++c) all.insert({std::string(1, c), std::string("##") + c});
  for (unsigned rank = 0; rank < 20000; ++rank) all.insert(bench::word_of_rank(rank));
  for (unsigned rank = 0; rank < 8000; ++rank) all.insert("##" + bench::word_of_rank(rank).substr(0, 3));
  tokens.assign(all.begin(), all.end());
  tokens.emplace_back("[UNK]");
  return tokens;
}

std::shared_ptr<const Tokenizer> make(const std::vector<std::string>& vocabulary) {
  AddedToken unk;
  unk.content = "[UNK]";
  unk.special = true;
  TokenizerConfig config;
  config.added_tokens = {unk};
  auto pipeline = make_bert_pipeline(vocabulary, {}, BertNormalizer{});
  return PipelineTokenizer::create(std::move(pipeline.value()), config).value();
}

const Tokenizer& tokenizer() {
  static const std::shared_ptr<const Tokenizer> shared = make(vocabulary());
  return *shared;
}

void create(benchmark::State& state) {
  const std::vector<std::string> tokens = vocabulary();
  for (auto _ : state) benchmark::DoNotOptimize(make(tokens));
}
BENCHMARK(create)->Unit(benchmark::kMillisecond);

// `cold`: with a new Scratch, hence an empty cache, each time.
void encode(benchmark::State& state, bool cold) {
  const std::vector<std::string>& texts = bench::samples();
  auto scratch = tokenizer().make_scratch();
  std::vector<std::uint32_t> ids;
  std::size_t bytes = 0, tokens = 0;
  for (auto _ : state) {
    if (cold) {
      state.PauseTiming();
      scratch = tokenizer().make_scratch();
      state.ResumeTiming();
    }
    for (const std::string& text : texts) {
      ids.clear();
      tokenizer().encode(text, *scratch, ids);
      bytes += text.size();
      tokens += ids.size();
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.counters["tokens"] = benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(encode, warm, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, cold, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace stillvec::text
