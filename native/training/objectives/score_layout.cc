#include "training/objectives/score_layout.h"

#include <algorithm>

namespace stillvec::training {

using kernels::blocks_for;
using kernels::kPanelColumns;

void ScoreLayout::add_side(std::size_t column, std::initializer_list<TextRun> candidates) {
  const TextRun& last = *(candidates.end() - 1);
  ScoreSide side;
  side.first_text = texts_.first_text(column);
  side.panel = candidates.begin()->first / kPanelColumns;
  side.panels = blocks_for(last.first + last.count, kPanelColumns) - side.panel;
  side.column = width_;
  std::size_t end = width_;
  for (const TextRun& run : candidates) {
    const std::size_t begin = width_ + run.first - side.panel * kPanelColumns;
    if (begin > end) gaps_.push_back({end, begin - end});
    terms_.push_back({sides_.size(), run.first, run.count, begin});
    end = begin + run.count;
  }
  width_ += side.panels * kPanelColumns;
  if (end < width_) gaps_.push_back({end, width_ - end});
  sides_.push_back(side);
  candidate_panels_ = std::max(candidate_panels_, side.panel + side.panels);
  for (ScoreSide& each : sides_) each.are_candidates = each.first_text < candidate_panels_ * kPanelColumns;
}

std::size_t ScoreLayout::panel_count(std::size_t panel) const {
  const std::size_t first = panel * kPanelColumns, anchors = texts_.first_text(0);
  const std::size_t end = first < anchors ? documents() : anchors + texts_.size;
  return std::min(kPanelColumns, end - first);
}

}  // namespace stillvec::training
