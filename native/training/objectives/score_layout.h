#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "training/objective.h"

namespace stillvec::training {

// A run of texts, by their places in a TextLayout.
struct TextRun {
  std::size_t first = 0;
  std::size_t count = 0;
};

// The texts of one column as rows of scores, and the panels of candidates that they meet.
struct ScoreSide {
  std::size_t first_text = 0;
  std::size_t panel = 0;
  std::size_t panels = 0;
  std::size_t column = 0;  // of its first panel in a row of scores
  bool are_candidates = false;
};

// The scores of a side's texts with a run of candidates: `count` of them, from `column` on in a row of scores.
struct ScoreTerm {
  std::size_t side = 0;
  std::size_t first_text = 0;
  std::size_t count = 0;
  std::size_t column = 0;
};

// Which texts of a batch are scored against which. Candidates are all texts from the first one on to the last that any
// side meets, in panels of the products. The scores of one row of the batch, of all its sides, stand side by side.
class ScoreLayout {
 public:
  ScoreLayout() = default;
  explicit ScoreLayout(const TextLayout& texts) : texts_(texts) {}

  // The texts of a column, each scored against every text of `candidates`, which ascend. All sides come before the
  // layout is used.
  void add_side(std::size_t column, std::initializer_list<TextRun> candidates);

  const TextLayout& texts() const { return texts_; }
  std::size_t batch() const { return texts_.size; }
  const std::vector<ScoreSide>& sides() const { return sides_; }
  const std::vector<ScoreTerm>& terms() const { return terms_; }
  std::size_t candidate_panels() const { return candidate_panels_; }
  std::size_t width() const { return width_; }  // scores of a row

  // Scores of a row that belong to no term, though their candidates may be texts.
  const std::vector<TextRun>& gaps() const { return gaps_; }

  // Texts of a panel.
  std::size_t panel_count(std::size_t panel) const;

  // Texts of every column but the first.
  std::size_t documents() const { return (texts_.columns - 1) * texts_.size; }
  std::size_t document_panels() const { return texts_.first_text(0) / kernels::kPanelColumns; }

 private:
  TextLayout texts_;
  std::vector<ScoreSide> sides_;
  std::vector<ScoreTerm> terms_;
  std::vector<TextRun> gaps_;
  std::size_t candidate_panels_ = 0;
  std::size_t width_ = 0;
};

}  // namespace stillvec::training
