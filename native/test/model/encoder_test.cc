#include "model/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/thread_pool.h"
#include "text/pipeline_tokenizer.h"
#include "text/wordpiece/bert_pipeline.h"

namespace stillvec::model {
namespace {

constexpr std::size_t kRows = 40, kDim = 37;

class EncoderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    table_ = EmbeddingTable::random(kRows, kDim, 5).value();
    std::mt19937 random(1);
    for (std::size_t count : {3u, 0u, 1u, 12u, 2u, 0u, 300u}) {
      for (std::size_t i = 0; i < count; ++i) ids_.push_back(random() % kRows);
      offsets_.push_back(ids_.size());
    }
  }

  std::size_t count() const { return offsets_.size() - 1; }

  // The pooled row of text t in double precision, finished as f32 output should be.
  std::vector<double> expected(std::size_t t, const RowOptions& options) const {
    std::vector<double> row(kDim, 0.0);
    std::vector<float> values(kDim);
    for (std::uint64_t i = offsets_[t]; i < offsets_[t + 1]; ++i) {
      table_->read_f32(ids_[i], ids_[i] + 1, values.data());
      for (std::size_t c = 0; c < kDim; ++c) row[c] += values[c] / static_cast<double>(offsets_[t + 1] - offsets_[t]);
    }
    const auto normalize = [&] {
      double norm = 0.0;
      for (double x : row) norm += x * x;
      for (double& x : row) x /= std::max(std::sqrt(norm), 1e-12);
    };
    if (options.normalize_full) normalize();
    if (options.columns != 0) row.resize(options.columns);
    if (options.normalize) normalize();
    return row;
  }

  std::shared_ptr<const EmbeddingTable> table_;
  std::vector<std::uint32_t> ids_;
  std::vector<std::uint64_t> offsets_ = {0};
};

TEST_F(EncoderTest, PoolsNormalizesAndTruncatesInOrder) {
  const Encoder encoder(nullptr, table_);
  for (bool normalize_full : {false, true}) {
    for (std::size_t columns : {0u, 1u, 16u, 20u, 37u}) {
      for (bool normalize : {false, true}) {
        const RowOptions options = {normalize_full, columns, normalize, Output::kF32};
        const std::size_t width = columns == 0 ? kDim : columns;
        ASSERT_EQ(row_bytes(options, kDim), width * sizeof(float));
        std::vector<float> out(count() * width + 1, 77.0f);
        ASSERT_TRUE(
            encoder.pool_ids(ids_, offsets_, 0, count(), options, reinterpret_cast<std::byte*>(out.data())).is_ok());
        for (std::size_t t = 0; t < count(); ++t) {
          const std::vector<double> row = expected(t, options);
          double norm = 0.0;
          for (double x : row) norm += x * x;
          for (std::size_t c = 0; c < width; ++c) {
            ASSERT_NEAR(out[t * width + c], row[c], 2e-6 * std::sqrt(norm)) << "text " << t << ", column " << c;
          }
        }
        EXPECT_EQ(out.back(), 77.0f);
      }
    }
  }
}

TEST_F(EncoderTest, PacksSigns) {
  const Encoder encoder(nullptr, table_);
  for (std::size_t columns : {0u, 8u, 13u}) {
    RowOptions options = {false, columns, false, Output::kUbinary};
    const std::size_t width = columns == 0 ? kDim : columns, bytes = (width + 7) / 8;
    ASSERT_EQ(row_bytes(options, kDim), bytes);
    std::vector<std::byte> ubinary(count() * bytes), binary(count() * bytes);
    ASSERT_TRUE(encoder.pool_ids(ids_, offsets_, 0, count(), options, ubinary.data()).is_ok());
    options.output = Output::kBinary;
    ASSERT_TRUE(encoder.pool_ids(ids_, offsets_, 0, count(), options, binary.data()).is_ok());
    for (std::size_t t = 0; t < count(); ++t) {
      const std::vector<double> row = expected(t, options);
      for (std::size_t c = 0; c < width; ++c) {
        const auto byte = std::to_integer<unsigned>(ubinary[t * bytes + c / 8]);
        EXPECT_EQ((byte >> (7 - c % 8)) & 1u, row[c] > 0.0 ? 1u : 0u);
      }
    }
    for (std::size_t i = 0; i < binary.size(); ++i) EXPECT_EQ(binary[i], ubinary[i] ^ std::byte{0x80});
  }
}

TEST_F(EncoderTest, PoolsEveryDtype) {
  ThreadPool pool(1);
  const RowOptions options;
  for (Dtype dtype : {Dtype::kF16, Dtype::kBf16, Dtype::kI8}) {
    const std::shared_ptr<const EmbeddingTable> narrow = table_->convert(dtype, pool).value();
    const std::shared_ptr<const EmbeddingTable> wide = narrow->convert(Dtype::kF32, pool).value();
    std::vector<float> from_narrow(count() * kDim), from_wide(count() * kDim);
    ASSERT_TRUE(Encoder(nullptr, narrow)
                    .pool_ids(ids_, offsets_, 0, count(), options, reinterpret_cast<std::byte*>(from_narrow.data()))
                    .is_ok());
    ASSERT_TRUE(Encoder(nullptr, wide)
                    .pool_ids(ids_, offsets_, 0, count(), options, reinterpret_cast<std::byte*>(from_wide.data()))
                    .is_ok());
    EXPECT_EQ(from_narrow, from_wide);
  }
}

TEST_F(EncoderTest, WritesOnlyTheRowsAskedFor) {
  const Encoder encoder(nullptr, table_);
  std::vector<float> all(count() * kDim), part(count() * kDim, 77.0f);
  const RowOptions options;
  ASSERT_TRUE(encoder.pool_ids(ids_, offsets_, 0, count(), options, reinterpret_cast<std::byte*>(all.data())).is_ok());
  ASSERT_TRUE(encoder.pool_ids(ids_, offsets_, 2, 5, options, reinterpret_cast<std::byte*>(part.data())).is_ok());
  for (std::size_t i = 0; i < part.size(); ++i) {
    EXPECT_EQ(part[i], i / kDim >= 2 && i / kDim < 5 ? all[i] : 77.0f);
  }
}

TEST_F(EncoderTest, NamesAnIdThatHasNoRow) {
  const Encoder encoder(nullptr, table_);
  std::vector<float> out(count() * kDim, 77.0f);
  ids_[offsets_[3]] = kRows;
  const Status status = encoder.pool_ids(ids_, offsets_, 0, count(), {}, reinterpret_cast<std::byte*>(out.data()));
  EXPECT_EQ(status.code, Code::kOutOfRange);
  EXPECT_NE(status.message.find("text 3"), std::string::npos) << status.message;
  EXPECT_NE(status.message.find("40"), std::string::npos) << status.message;
  EXPECT_EQ(out, std::vector<float>(out.size(), 77.0f)) << "wrote before it had checked";
}

TEST_F(EncoderTest, RefusesOffsetsThatLeaveTheIds) {
  const Encoder encoder(nullptr, table_);
  std::vector<float> out(count() * kDim);
  auto* bytes = reinterpret_cast<std::byte*>(out.data());
  EXPECT_EQ(encoder.pool_ids(ids_, offsets_, 0, count() + 1, {}, bytes).code, Code::kOutOfRange);
  EXPECT_EQ(encoder.pool_ids(ids_, offsets_, 3, 2, {}, bytes).code, Code::kOutOfRange);
  std::vector<std::uint64_t> broken = offsets_;
  broken[2] = ids_.size() + 1;
  EXPECT_EQ(encoder.pool_ids(ids_, broken, 0, count(), {}, bytes).code, Code::kOutOfRange);
  broken[2] = 0;
  EXPECT_EQ(encoder.pool_ids(ids_, broken, 0, count(), {}, bytes).code, Code::kOutOfRange);
  EXPECT_TRUE(encoder.pool_ids(ids_, offsets_, 2, 2, {}, bytes).is_ok());
}

// A vocabulary of as many words as the table has rows: [UNK], w1, w2 ...
std::shared_ptr<const text::Tokenizer> make_tokenizer() {
  std::vector<std::string> vocabulary = {"[UNK]"};
  for (std::size_t i = 1; i < kRows; ++i) vocabulary.push_back("w" + std::to_string(i));
  auto pipeline = text::make_bert_pipeline(vocabulary, {}, text::BertNormalizer{});
  return text::PipelineTokenizer::create(std::move(pipeline.value()), {}).value();
}

// Texts in one buffer, a separator after each.
struct Arena {
  explicit Arena(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      bytes += text + '\0';
      offsets.push_back(bytes.size());
    }
  }
  Texts view() const { return {bytes.data(), offsets, 1}; }

  std::string bytes;
  std::vector<std::uint64_t> offsets = {0};
};

TEST_F(EncoderTest, EncodesWhatItTokenizes) {
  std::mt19937 random(2);
  std::vector<std::string> texts;
  for (std::size_t words : {3u, 0u, 1u, 5000u, 2u, 12u, 40u, 0u}) {
    std::string text;
    for (std::size_t i = 0; i < words; ++i) text += " W" + std::to_string(1 + random() % (kRows + 5));
    texts.push_back(text);
  }
  for (int i = 0; i < 500; ++i) texts.push_back("w" + std::to_string(1 + random() % 39) + " w1 w2");
  const Encoder encoder(make_tokenizer(), table_);
  for (const std::string& prompt : {std::string(), std::string("w7 query: ")}) {
    std::vector<std::string> prompted;
    for (const std::string& text : texts) prompted.push_back(prompt + text);
    const Arena arena(texts), whole(prompted);
    const std::size_t n = texts.size();
    std::vector<std::uint32_t> ids, lengths, whole_ids, whole_lengths;
    encoder.tokenize(arena.view(), 0, n, prompt, ids, lengths);
    encoder.tokenize(whole.view(), 0, n, "", whole_ids, whole_lengths);
    EXPECT_EQ(ids, whole_ids);
    EXPECT_EQ(lengths, whole_lengths);
    EXPECT_EQ(lengths[1], prompt.empty() ? 0u : 3u);
    std::vector<std::uint64_t> offsets = {0};
    for (std::uint32_t length : lengths) offsets.push_back(offsets.back() + length);

    const RowOptions options = {false, 16, true, Output::kF32};
    std::vector<float> encoded(n * 16), pooled(n * 16);
    std::size_t tokens = 0;
    for (std::size_t begin = 0; begin < n; begin += 100) {
      tokens += encoder.encode(arena.view(), begin, std::min(begin + 100, n), prompt, options,
                               reinterpret_cast<std::byte*>(encoded.data()));
    }
    EXPECT_EQ(tokens, ids.size());
    ASSERT_TRUE(encoder.pool_ids(ids, offsets, 0, n, options, reinterpret_cast<std::byte*>(pooled.data())).is_ok());
    EXPECT_EQ(encoded, pooled);
  }
}

// One text the kernel's way, token by token.
TEST_F(EncoderTest, WeighsTokensByTheRootOfTheirCountAndLeavesOutThoseExcluded) {
  const Encoder encoder(nullptr, table_, {Weighting::kSqrt, {3, 5, 99}});
  const std::vector<std::uint32_t> ids = {7, 3, 7, 9, 7, 9, 3, 7, 1, 5, 3, 5, 5};
  const std::vector<std::uint64_t> offsets = {0, 10, 13, 13};
  std::vector<float> out(3 * kDim, 77.0f), values(kDim);
  ASSERT_TRUE(encoder.pool_ids(ids, offsets, 0, 3, {}, reinterpret_cast<std::byte*>(out.data())).is_ok());
  std::vector<double> expected(kDim, 0.0);
  const std::pair<std::uint32_t, double> counts[] = {{7, 4.0}, {9, 2.0}, {1, 1.0}};
  const double divisor = 2.0 + std::sqrt(2.0) + 1.0;
  for (const auto& [id, count] : counts) {
    table_->read_f32(id, id + 1, values.data());
    for (std::size_t c = 0; c < kDim; ++c) expected[c] += std::sqrt(count) * values[c] / divisor;
  }
  for (std::size_t c = 0; c < kDim; ++c) {
    EXPECT_NEAR(out[c], expected[c], 1e-6);
    EXPECT_EQ(out[kDim + c], 0.0f) << "a text of excluded tokens only";
    EXPECT_EQ(out[2 * kDim + c], 0.0f) << "no text";
  }
}

TEST_F(EncoderTest, LeavesOutExcludedTokensFromTheMean) {
  std::vector<std::uint32_t> kept;
  std::vector<std::uint64_t> ends = {0};
  for (std::size_t t = 0; t < count(); ++t) {
    for (std::uint64_t i = offsets_[t]; i < offsets_[t + 1]; ++i) {
      if (ids_[i] % 3 != 0) kept.push_back(ids_[i]);
    }
    ends.push_back(kept.size());
  }
  Pooling pooling;
  for (std::uint32_t id = 0; id < kRows; id += 3) pooling.excluded_ids.push_back(id);
  std::vector<float> excluding(count() * kDim), without(count() * kDim);
  ASSERT_TRUE(Encoder(nullptr, table_, pooling)
                  .pool_ids(ids_, offsets_, 0, count(), {}, reinterpret_cast<std::byte*>(excluding.data()))
                  .is_ok());
  ASSERT_TRUE(Encoder(nullptr, table_)
                  .pool_ids(kept, ends, 0, count(), {}, reinterpret_cast<std::byte*>(without.data()))
                  .is_ok());
  EXPECT_EQ(excluding, without);
}

TEST_F(EncoderTest, ManyThreadsAtOnce) {
  const Encoder encoder(nullptr, table_);
  const RowOptions options = {true, 16, true, Output::kF32};
  std::vector<float> alone(count() * 16);
  ASSERT_TRUE(
      encoder.pool_ids(ids_, offsets_, 0, count(), options, reinterpret_cast<std::byte*>(alone.data())).is_ok());
  std::vector<std::vector<float>> outs(4, std::vector<float>(alone.size()));
  std::vector<std::thread> threads;
  for (auto& out : outs) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const Status status =
            encoder.pool_ids(ids_, offsets_, 0, count(), options, reinterpret_cast<std::byte*>(out.data()));
        ASSERT_TRUE(status.is_ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& out : outs) EXPECT_EQ(out, alone);
}

}  // namespace
}  // namespace stillvec::model
