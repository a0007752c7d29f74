#include "search/communities.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/vector/vector.h"
#include "runtime/buffer.h"
#include "runtime/thread_pool.h"

namespace stillvec::search {
namespace {

// Rows whose neighbours are counted together.
constexpr std::size_t kCounted = 8192;
// Neighbours that are held together, unless those of one row are more.
constexpr std::size_t kHeld = 1u << 24;

struct Neighbour {
  std::uint32_t row;  // of the community, in the order of the batch
  std::uint32_t index;
  float score;
};

class Search {
 public:
  Search(const Rows& rows, float threshold, std::size_t least, ThreadPool& pool, const ShallStop& shall_stop)
      : rows_(rows), threshold_(threshold), least_(least), pool_(pool), shall_stop_(shall_stop) {}

  std::vector<std::vector<std::uint32_t>> run() {
    count();
    if (stops()) return {};
    std::vector<std::uint32_t> order;
    for (std::uint32_t row = 0; row < rows_.rows; ++row) {
      if (counts_[row] >= least_) order.push_back(row);
    }
    std::ranges::stable_sort(order, [&](auto a, auto b) { return counts_[a] > counts_[b]; });
    used_.assign(rows_.rows, false);
    unused_ = rows_.rows;
    for (std::size_t begin = 0; begin < order.size() && unused_ >= least_ && !stops();) {
      std::size_t end = begin, held = 0;
      while (end < order.size() && end - begin < kCounted && (end == begin || held + counts_[order[end]] <= kHeld)) {
        held += counts_[order[end++]];
      }
      take({order.begin() + static_cast<std::ptrdiff_t>(begin), order.begin() + static_cast<std::ptrdiff_t>(end)});
      begin = end;
    }
    std::ranges::stable_sort(found_, [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return std::move(found_);
  }

 private:
  bool stops() const { return shall_stop_ && shall_stop_(); }

  // How many rows each has in its community.
  void count() {
    counts_.assign(rows_.rows, 0);
    for (std::size_t begin = 0; begin < rows_.rows && !stops(); begin += kCounted) {
      const RowRange part = {begin, std::min(begin + kCounted, rows_.rows)};
      const BlockedScores scores(Similarity::kCosine, rows_, part, rows_, pool_);
      std::vector<std::vector<std::uint32_t>> counts(pool_.size());
      scores.scan(pool_, shall_stop_, [&](std::size_t query, BlockedScores::Scratch& scratch, unsigned slot) {
        counts[slot].resize(part.size());
        counts[slot][query] += static_cast<std::uint32_t>(count_in(scores, query, scratch));
      });
      for (const auto& own : counts) {
        for (std::size_t i = 0; i < own.size(); ++i) counts_[begin + i] += own[i];
      }
    }
  }

  std::size_t count_in(const BlockedScores& scores, std::size_t query, BlockedScores::Scratch& scratch) const {
    const std::size_t picked = scores.pick(query, threshold_, {0, scratch.block.size()}, scratch);
    const float* values = scores.values(query, scratch);
    const float ceiling = scores.bounds(query, threshold_, scratch).ceiling;
    // Those in doubt are scored; the others are in.
    const auto begin = scratch.picked.begin(), end = begin + static_cast<std::ptrdiff_t>(picked);
    const auto sure = std::partition(begin, end, [&](std::uint32_t column) { return values[column] > ceiling; });
    std::size_t count = static_cast<std::size_t>(sure - begin);
    each_exact(scores, query, scratch, count, picked, [&](std::uint32_t, float) { ++count; });
    return count;
  }

  // Calls take(column, score) for those of scratch.picked[begin, end) that reach the threshold.
  template <typename Take>
  void each_exact(const BlockedScores& scores, std::size_t query, const BlockedScores::Scratch& scratch,
                  std::size_t begin, std::size_t end, const Take& take) const {
    for (std::size_t i = begin; i < end; i += kPairTile) {
      const std::size_t columns = std::min(kPairTile, end - i);
      float exact[kPairTile];
      scores.exact(query, scratch.picked.data() + i, columns, scratch, exact);
      for (std::size_t c = 0; c < columns; ++c) {
        if (exact[c] >= threshold_) take(scratch.picked[i + c], exact[c]);
      }
    }
  }

  // The communities of some rows, in this order.
  void take(const std::vector<std::uint32_t>& centers) {
    Buffer<float> values(centers.size() * rows_.dim);
    for (std::size_t i = 0; i < centers.size(); ++i) {
      load_rows(rows_, {centers[i], centers[i] + std::size_t{1}}, values.data() + i * rows_.dim);
    }
    const Rows queries = {values.data(), centers.size(), rows_.dim};
    const BlockedScores scores(Similarity::kCosine, queries, {0, centers.size()}, rows_, pool_);
    std::vector<std::vector<Neighbour>> neighbours(pool_.size());
    scores.scan(pool_, shall_stop_, [&](std::size_t query, BlockedScores::Scratch& scratch, unsigned slot) {
      const std::size_t picked = scores.pick(query, threshold_, {0, scratch.block.size()}, scratch);
      each_exact(scores, query, scratch, 0, picked, [&](std::uint32_t column, float score) {
        const auto index = static_cast<std::uint32_t>(scratch.block.begin + column);
        if (!used_[index]) neighbours[slot].push_back({static_cast<std::uint32_t>(query), index, score});
      });
    });
    if (stops()) return;
    std::vector<std::vector<Neighbour>> of(centers.size());
    for (auto& own : neighbours) {
      for (const Neighbour& neighbour : own) of[neighbour.row].push_back(neighbour);
      own = {};
    }
    for (auto& community : of) {
      std::erase_if(community, [&](const Neighbour& neighbour) { return used_[neighbour.index]; });
      if (community.size() < least_) continue;
      std::ranges::sort(community, [](const Neighbour& a, const Neighbour& b) {
        return a.score > b.score || (a.score == b.score && a.index < b.index);
      });
      std::vector<std::uint32_t>& members = found_.emplace_back();
      for (const Neighbour& neighbour : community) {
        members.push_back(neighbour.index);
        used_[neighbour.index] = true;
      }
      unused_ -= members.size();
    }
  }

  const Rows rows_;
  const float threshold_;
  const std::size_t least_;
  ThreadPool& pool_;
  const ShallStop& shall_stop_;
  std::vector<std::uint32_t> counts_;
  std::vector<bool> used_;
  std::size_t unused_ = 0;
  std::vector<std::vector<std::uint32_t>> found_;
};

}  // namespace

std::vector<std::vector<std::uint32_t>> communities(const Rows& rows, float threshold, std::size_t least,
                                                    ThreadPool& pool, const ShallStop& shall_stop) {
  return Search(rows, threshold, std::min(least, rows.rows), pool, shall_stop).run();
}

}  // namespace stillvec::search
