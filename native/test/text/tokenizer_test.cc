#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "test/text/samples.h"
#include "text/tokenizer.h"

namespace stillvec::text {
namespace {

using Ids = std::vector<std::uint32_t>;
using Tokens = std::vector<std::string>;

class Subject {
 public:
  explicit Subject(const test::BertConfig& config) : vocabulary_(config.vocabulary) {
    auto tokenizer = test::make_tokenizer(config);
    if (!tokenizer.is_ok()) throw std::runtime_error(tokenizer.status().message);
    tokenizer_ = tokenizer.value();
    scratch_ = tokenizer_->make_scratch();
    for (const AddedToken& token : config.added_tokens) {
      if (token.id >= vocabulary_.size()) vocabulary_.resize(token.id + 1);
      vocabulary_[token.id] = token.content;
    }
  }

  Ids ids(std::string_view text) {
    Ids out;
    tokenizer_->encode(text, *scratch_, out);
    return out;
  }

  Tokens tokens(std::string_view text) {
    Tokens out;
    for (const std::uint32_t id : ids(text)) out.push_back(vocabulary_.at(id));
    return out;
  }

  const Tokenizer& operator*() const { return *tokenizer_; }

 private:
  std::vector<std::string> vocabulary_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Tokenizer::ScratchPtr scratch_;
};

AddedToken added(std::string content, std::uint32_t id) {
  AddedToken token;
  token.content = std::move(content);
  token.id = id;
  return token;
}

std::uint32_t next_id() { return static_cast<std::uint32_t>(test::small_vocabulary().size()); }

TEST(Tokenizer, WordsAndPunctuation) {
  Subject subject(test::BertConfig{});
  EXPECT_EQ(subject.tokens("Hello, UNAFFABLE world!"), (Tokens{"hello", ",", "un", "##aff", "##able", "world", "!"}));
  EXPECT_EQ(subject.tokens("don\u2019t caf\u00e9"), (Tokens{"don", "\u2019", "t", "cafe"}));
  EXPECT_EQ(subject.tokens("\u65e5\u672c"), (Tokens{"\u65e5", "\u672c"}));
  EXPECT_EQ(subject.tokens("$+<=>^`|~"), (Tokens{"$", "+", "<", "=", ">", "^", "`", "|", "~"}));
  EXPECT_EQ(subject.tokens("\u037e"), (Tokens{";"}));
  EXPECT_EQ(subject.tokens("\u00b4\u20ac"), (Tokens{"[UNK]"})) << "no punctuation, no token";
  EXPECT_EQ(subject.tokens(""), Tokens{});
  EXPECT_EQ(subject.tokens(" \t\n"), Tokens{});
}

TEST(Tokenizer, NulAndReplacementCharacters) {
  Subject cleaned(test::BertConfig{});
  EXPECT_EQ(cleaned.tokens(std::string_view("he\0llo\xef\xbf\xbd\xff", 10)), (Tokens{"hello"}));
  test::BertConfig bare;
  bare.normalizer.reset();
  Subject raw(bare);
  EXPECT_EQ(raw.tokens("\xff"), (Tokens{"\ufffd"}));
  EXPECT_EQ(raw.tokens(std::string_view("a\0", 2)), (Tokens{"[UNK]"}));
}

TEST(Tokenizer, WordsThatAreTooLong) {
  Subject subject(test::BertConfig{});
  EXPECT_EQ(subject.ids(std::string(100, 'a')).size(), 100u);
  EXPECT_EQ(subject.tokens(std::string(101, 'a')), (Tokens{"[UNK]"}));
  EXPECT_EQ(subject.tokens(std::string(100000, 'a') + " the"), (Tokens{"[UNK]", "the"}));
}

TEST(Tokenizer, AddedTokensAreFoundBeforeNormalization) {
  test::BertConfig config;
  config.added_tokens = {added("[SEP]", 3), added("[CLS]", 2)};
  Subject subject(config);
  EXPECT_EQ(subject.tokens("the[SEP]the"), (Tokens{"the", "[SEP]", "the"}));
  EXPECT_EQ(subject.tokens("[SEP][CLS]"), (Tokens{"[SEP]", "[CLS]"}));
  EXPECT_EQ(subject.tokens("[sep]"), (Tokens{"[", "s", "##e", "##p", "]"}));
  EXPECT_EQ(subject.tokens("[[SEP]"), (Tokens{"[", "[SEP]"}));
}

TEST(Tokenizer, OfTokensThatBeginTogetherTheLongest) {
  test::BertConfig config;
  config.added_tokens = {added("<a", next_id()), added("<ab>", next_id() + 1), added("b>c", next_id() + 2)};
  Subject subject(config);
  EXPECT_EQ(subject.tokens("<ab>c"), (Tokens{"<ab>", "c"}));
  EXPECT_EQ(subject.tokens("<ab<ab>"), (Tokens{"<a", "b", "<ab>"}));
  EXPECT_EQ((*subject).vocab_size(), next_id() + 3u);
}

TEST(Tokenizer, Selection) {
  test::BertConfig config;
  config.selection = TokenSelection{};
  const std::uint32_t unknown = Subject(config).ids("\u20ac").at(0);
  config.selection = TokenSelection{20, unknown, 3};
  Subject subject(config);
  EXPECT_EQ(subject.tokens("the \u20ac hello"), (Tokens{"the", "hello"}));
  EXPECT_EQ(subject.tokens("the the the the"), (Tokens{"the", "the", "the"}));
  EXPECT_EQ(subject.tokens(std::string(19, ' ') + "a the"), (Tokens{"a"}));
  EXPECT_EQ(subject.tokens("\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac the"), (Tokens{"the"}))
      << "in code points";
  Ids ids = {7};
  (*subject).encode("\u20ac the", *(*subject).make_scratch(), ids);
  EXPECT_EQ(ids.size(), 2u) << "what was there before stays";
}

TEST(Tokenizer, SingleWord) {
  test::BertConfig config;
  config.added_tokens = {added("XY", next_id())};
  config.added_tokens[0].single_word = true;
  Subject subject(config);
  EXPECT_EQ(subject.tokens("XY XY. (XY)"), (Tokens{"XY", "XY", ".", "(", "XY", ")"}));
  EXPECT_EQ(subject.tokens("aXY XYb XY_ \u00e9XY"),
            (Tokens{"a", "##x", "##y", "x", "##y", "##b", "x", "##y", "_", "e", "##x", "##y"}));
}

TEST(Tokenizer, TokensTakeSpacesIn) {
  test::BertConfig config;
  config.normalizer.reset();
  config.added_tokens = {added("L", next_id()), added("R", next_id() + 1)};
  config.added_tokens[0].lstrip = true;
  config.added_tokens[1].rstrip = true;
  // A token of spaces shows which spaces are left.
  config.added_tokens.push_back(added(" ", next_id() + 2));
  Subject subject(config);
  EXPECT_EQ(subject.tokens("a R  a"), (Tokens{"a", " ", "R", " ", " ", "a"}))
      << "as in the reference, what rstrip takes in can be a token yet";
  EXPECT_EQ(subject.tokens("a L a"), (Tokens{"a", " ", "L", " ", "a"})) << "the space was a token before L came";
}

TEST(Tokenizer, NormalizedTokensAreFoundInNormalizedText) {
  test::BertConfig config;
  config.added_tokens = {added("Caf\u00c9 the", next_id()), added("[SEP]", 3)};
  config.added_tokens[0].normalized = true;
  Subject subject(config);
  EXPECT_EQ(subject.tokens("x CAFE\u0301 The x"), (Tokens{"x", "Caf\u00c9 the", "x"}));
  EXPECT_EQ(subject.tokens("cafe[SEP] the"), (Tokens{"cafe", "[SEP]", "the"}));
}

TEST(Tokenizer, IdsOfAddedTokensAreTheVocabularysOrFollowIt) {
  test::BertConfig config;
  config.added_tokens = {added("<new>", 7), added("the", 0), added("<newer>", 9)};
  Subject subject(config);
  EXPECT_EQ(subject.ids("<newer><new>"), (Ids{next_id() + 1, next_id()}));
  EXPECT_EQ((*subject).vocab_size(), next_id() + 2u);
}

TEST(Tokenizer, Truncation) {
  test::BertConfig config;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "the unaffable ";
  const Ids all = Subject(config).ids(text);
  for (std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{1000}, all.size() + 1}) {
    const auto kept = static_cast<std::ptrdiff_t>(std::min(length, all.size()));
    config.truncation = Truncation{length, false};
    EXPECT_EQ(Subject(config).ids(text), Ids(all.begin(), all.begin() + kept));
    config.truncation = Truncation{length, true};
    EXPECT_EQ(Subject(config).ids(text), Ids(all.end() - kept, all.end()));
  }
}

TEST(Tokenizer, TruncationLeavesEarlierIdsAlone) {
  test::BertConfig config;
  config.truncation = Truncation{1, true};
  const auto tokenizer = test::make_tokenizer(config).value();
  const auto scratch = tokenizer->make_scratch();
  Ids ids = {1, 2, 3};
  tokenizer->encode("hello the", *scratch, ids);
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[2], 3u);
}

TEST(Tokenizer, Errors) {
  test::BertConfig config;
  config.model.unk_token = "<unk>";
  EXPECT_EQ(test::make_tokenizer(config).status().code, Code::kInvalidArgument);
  config = {};
  config.vocabulary.emplace_back("the");
  EXPECT_EQ(test::make_tokenizer(config).status().code, Code::kInvalidArgument);
  config = {};
  config.added_tokens = {added("\u0301", next_id())};
  config.added_tokens[0].normalized = true;
  EXPECT_EQ(test::make_tokenizer(config).status().code, Code::kInvalidArgument);
}

TEST(Tokenizer, ManyThreadsShareOne) {
  test::BertConfig config;
  config.added_tokens = {added("[SEP]", 3)};
  const auto tokenizer = test::make_tokenizer(config).value();
  std::mt19937 random(23);
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) texts.push_back(test::random_text(random, 40));
  std::vector<std::vector<Ids>> results(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      const auto scratch = tokenizer->make_scratch();
      for (const std::string& text : texts) tokenizer->encode(text, *scratch, results[t].emplace_back());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

}  // namespace
}  // namespace stillvec::text
