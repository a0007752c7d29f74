#include "search/max_score.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/vector/vector.h"

namespace stillvec::search {
namespace {

// Documents that are scored at a time: their sums stay in the level-2 cache while postings are added to them.
constexpr std::size_t kBlock = 1 << 14;
// Documents that are held against the k-th best at a time, which rises meanwhile.
constexpr std::size_t kStrip = 1 << 10;
// Where fewer than one in so many documents of a block was touched, these are visited instead of the block.
constexpr std::size_t kSparse = 16;
// Words are set aside when together they add less than this share of the k-th best. Looking a document up takes far
// longer than adding a posting: with a share near 1 there are so many to look up that it takes longer in all.
constexpr double kAside = 1.0 / 3;

// The first posting in [begin, end) whose document is not below `document`. It is near the beginning as a rule.
std::uint64_t first_from(const std::uint32_t* documents, std::uint64_t begin, std::uint64_t end,
                         std::uint32_t document) {
  std::uint64_t step = 1;
  while (step < end - begin && documents[begin + step] < document) {
    begin += step;
    step *= 2;
  }
  const std::uint64_t stop = std::min(end, begin + step + 1);
  return static_cast<std::uint64_t>(std::lower_bound(documents + begin, documents + stop, document) - documents);
}

}  // namespace

MaxScore::MaxScore() : sums_(Buffer<float>::zeroed(kBlock)) {}

std::vector<Hit>& MaxScore::search(const Impacts& impacts, std::span<const QueryWord> words, std::size_t k) {
  impacts_ = impacts;
  k_ = k;
  best_.clear();
  cursors_.clear();
  for (const QueryWord& word : words) {
    const double most = static_cast<double>(word.weight) * word.most;
    cursors_.push_back({word.begin, word.begin, word.end, word.weight, most, false});
  }
  by_most_.resize(words.size());
  std::iota(by_most_.begin(), by_most_.end(), std::size_t{0});
  std::sort(by_most_.begin(), by_most_.end(),
            [&](std::size_t a, std::size_t b) { return cursors_[a].most < cursors_[b].most; });
  aside_ = 0;
  rest_ = 0;
  if (k == 0) return best_;
  for (std::size_t begin = 0; begin < impacts.documents; begin += kBlock) {
    const std::size_t end = std::min(impacts.documents, begin + kBlock);
    set_words_aside();
    const std::size_t touched = add_block(begin, end);
    if (touched == 0) continue;
    if (touched < kBlock / kSparse) {
      offer_touched(begin);
    } else {
      offer_block(begin, end);
    }
    for (Cursor& cursor : cursors_) {
      if (!cursor.is_aside) cursor.at = cursor.next;
    }
  }
  return best_;
}

// The k-th best never falls, so what is set aside remains so.
void MaxScore::set_words_aside() {
  if (best_.size() < k_) return;
  const double bar = kAside * best_.front().score;
  for (; aside_ < by_most_.size() && rest_ + cursors_[by_most_[aside_]].most < bar; ++aside_) {
    Cursor& cursor = cursors_[by_most_[aside_]];
    cursor.is_aside = true;
    rest_ += cursor.most;
  }
}

// Adds the postings of the documents [begin, end), gives how many.
std::size_t MaxScore::add_block(std::size_t begin, std::size_t end) {
  const std::uint32_t* documents = impacts_.document;
  float* sums = sums_.data();
  std::size_t added = 0;
  for (Cursor& cursor : cursors_) {
    if (cursor.is_aside) continue;
    std::uint64_t i = cursor.at;
    for (; i < cursor.end && documents[i] < end; ++i) sums[documents[i] - begin] += cursor.weight * impacts_.impact[i];
    added += i - cursor.at;
    cursor.next = i;
  }
  return added;
}

void MaxScore::offer_touched(std::size_t begin) {
  touched_.clear();
  const float least = floor();
  for (const Cursor& cursor : cursors_) {
    if (cursor.is_aside) continue;
    for (std::uint64_t i = cursor.at; i < cursor.next; ++i) {
      const std::uint32_t document = impacts_.document[i];
      float& sum = sums_[document - begin];
      if (sum >= least) touched_.push_back({sum, document});
      sum = 0.0F;  // so that another word of the document does not offer it again
    }
  }
  std::sort(touched_.begin(), touched_.end(), [](const Hit& a, const Hit& b) { return a.index < b.index; });
  for (const Hit& hit : touched_) offer(hit.index, hit.score);
}

void MaxScore::offer_block(std::size_t begin, std::size_t end) {
  const kernels::VectorKernels& kernels = kernels::vector_kernels();
  picked_.resize(kStrip);
  for (std::size_t strip = begin; strip < end; strip += kStrip) {
    const std::size_t size = std::min(kStrip, end - strip);
    float* sums = sums_.data() + (strip - begin);
    const std::size_t count = kernels.select(sums, size, floor(), picked_.data());
    for (std::size_t i = 0; i < count; ++i) offer(static_cast<std::uint32_t>(strip + picked_[i]), sums[picked_[i]]);
    std::fill_n(sums, size, 0.0F);
  }
}

// Documents come in ascending order: one of the same score as the worst of the best is worse.
void MaxScore::offer(std::uint32_t document, float sum) {
  const bool is_full = best_.size() == k_;
  if (is_full && sum < floor()) return;
  const float score = aside_ == 0 ? sum : score_of(document);
  if (is_full) {
    if (score <= best_.front().score) return;
    std::pop_heap(best_.begin(), best_.end(), better);
    best_.pop_back();
  }
  best_.push_back({score, document});
  std::push_heap(best_.begin(), best_.end(), better);
}

float MaxScore::score_of(std::uint32_t document) {
  float score = 0.0F;
  for (Cursor& cursor : cursors_) {
    cursor.at = first_from(impacts_.document, cursor.at, cursor.end, document);
    if (cursor.at < cursor.end && impacts_.document[cursor.at] == document) {
      score += cursor.weight * impacts_.impact[cursor.at];
    }
  }
  return score;
}

// What the sum of a document's words that are not set aside reaches if its score reaches the k-th best.
float MaxScore::floor() const {
  if (best_.size() < k_) return std::numeric_limits<float>::denorm_min();
  const float worst = best_.front().score;
  if (aside_ == 0) return worst;
  // The sums of f32 are off by less than half a unit in the last place a word.
  const double slack = static_cast<double>(cursors_.size() + 2) * std::numeric_limits<float>::epsilon();
  return static_cast<float>((1.0 - slack) * worst - rest_);
}

}  // namespace stillvec::search
