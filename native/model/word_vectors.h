#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/embedding_table.h"
#include "runtime/buffer.h"
#include "runtime/status.h"

namespace stillvec::model {

// Reads a file of word vectors that comes in pieces: GloVe's text, word2vec's and fastText's text (a first line with
// the number of words and of columns), and word2vec's binary form. Which of them it is, is told by the beginning.
//
//   text:    word, then columns numbers, separated by a space; a word may have spaces in it
//   binary:  "words columns\n", then for each the word, a space and columns f32, perhaps "\n" before the next word
//
// Words are bytes, of any encoding, and may repeat.
class WordVectors {
 public:
  // Reads at most `limit` words.
  explicit WordVectors(std::size_t limit) : limit_(limit) {}

  // Takes the next bytes. kCorrupt, naming the line or the word, where they are none of the forms.
  Status append(std::string_view bytes);
  // No more bytes come.
  Status finish();

  // Whether no more bytes are needed.
  bool is_full() const { return count_ == limit_; }
  std::size_t count() const { return count_; }
  std::size_t columns() const { return columns_; }

  // All words, with a line feed after each: no word has one.
  const std::string& words() const { return words_; }

  // A row for each word, then `more` rows of zeros. The words and vectors are given up, these as they are copied, so
  // that they take their memory but once.
  Result<std::shared_ptr<const EmbeddingTable>> take_table(std::size_t more);

 private:
  enum class Form { kUnknown, kText, kBinary };

  Status begin();
  Status read(bool is_end);
  Status read_line(std::string_view line);
  Status read_binary(bool is_end);
  float* new_row();
  Status wrong(std::string_view what) const;
  Status give_up(Status status);

  std::size_t limit_, count_ = 0, columns_ = 0;
  std::size_t declared_count_ = 0;  // as the first line says, where there is one
  std::size_t line_ = 0;            // lines read, the first one included
  Form form_ = Form::kUnknown;
  std::string pending_;  // bytes that are not read yet
  std::string words_;
  std::size_t rows_in_block_ = 0;
  std::vector<Buffer<float>> blocks_;
};

}  // namespace stillvec::model
