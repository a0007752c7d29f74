#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "training/samplers/consecutive.h"
#include "training/samplers/sampler.h"
#include "training/samplers/shared_texts.h"
#include "training/samplers/shuffle.h"

namespace stillvec::training {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

// Walks a permutation of the rows and puts off a row of which a text stands in the batch already, in whichever column:
// what a loss takes for negatives must not be positives. What was put off comes first in the next batch, so that the
// last ones are shorter. Texts are the same when their token ids are, since equal ids have equal embeddings.
//
// Of the rows put off only the first of each class is looked at, so that an epoch takes about as long as its rows, even
// where all of them share a text and each batch would be looked for among all that are left.
class NoDuplicates final : public Sampler {
 public:
  NoDuplicates(SharedTexts shared, const SamplerConfig& config) : shared_(std::move(shared)), config_(config) {}

  bool draw(std::uint64_t epoch, Batches& out, const ShallStop& shall_stop) const override {
    out.clear();
    std::vector<std::uint32_t> order(shared_.class_of.size());
    std::iota(order.begin(), order.end(), 0u);
    Random random(config_.seed + epoch);
    shuffle(std::span(order), random);
    if (shared_.count == 0) {
      out.rows = std::move(order);
      cut_consecutive(config_, out);
      return true;
    }

    Epoch state(shared_, std::move(order));
    std::vector<std::uint32_t> lonely;
    while (!state.is_over()) {
      if (shall_stop && shall_stop()) return false;
      state.fill(config_.batch_size, out);
      if (out.open_size() >= config_.least_batch()) {
        out.close();
        continue;
      }
      if (!config_.drop_last && config_.least_rows == 2) lonely.push_back(out.rows.back());
      out.discard();
    }
    pair_up(lonely, out);
    return true;
  }

  std::size_t count(std::uint64_t epoch, const ShallStop& shall_stop) const override {
    if (shared_.count == 0) return count_consecutive(shared_.class_of.size(), config_);
    Batches batches;
    return draw(epoch, batches, shall_stop) ? batches.size() : 0;
  }

 private:
  // One epoch as it is drawn. Positions are places in the permutation.
  class Epoch {
   public:
    Epoch(const SharedTexts& shared, std::vector<std::uint32_t> order)
        : shared_(shared),
          order_(std::move(order)),
          following_(order_.size()),
          last_(shared.class_ends.size(), kNone),
          batch_of_(shared.count, 0) {}

    bool is_over() const { return ahead_ == order_.size() && waiting_.empty(); }

    // Adds the rows of the next batch to `out`.
    void fill(std::size_t batch_size, Batches& out) {
      ++batch_;
      added_.clear();
      std::size_t seen = 0, kept = 0;
      for (; seen < waiting_.size() && out.open_size() < batch_size; ++seen) {
        const Waiting first = waiting_[seen];
        if (!take(first.of_class)) {
          waiting_[kept++] = first;
          continue;
        }
        out.rows.push_back(order_[first.position]);
        std::uint32_t& last = last_[first.of_class];
        if (first.position == last) {
          last = kNone;
        } else {
          added_.push_back({following_[first.position], first.of_class});
        }
      }
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(kept),
                     waiting_.begin() + static_cast<std::ptrdiff_t>(seen));
      for (; ahead_ < order_.size() && out.open_size() < batch_size; ++ahead_) {
        const std::uint32_t of_class = shared_.class_of[order_[ahead_]];
        if (of_class == SharedTexts::kNoClass || (last_[of_class] == kNone && take(of_class))) {
          out.rows.push_back(order_[ahead_]);
        } else {
          put_off(of_class);
        }
      }
      std::ranges::sort(added_, {}, &Waiting::position);
      const auto middle = static_cast<std::ptrdiff_t>(waiting_.size());
      waiting_.insert(waiting_.end(), added_.begin(), added_.end());
      std::ranges::inplace_merge(waiting_, waiting_.begin() + middle, {}, &Waiting::position);
    }

   private:
    // The first of the rows of a class that have been put off.
    struct Waiting {
      std::uint32_t position, of_class;
    };

    // Puts the texts of a class into the batch; false where one of them stands there.
    bool take(std::uint32_t of_class) {
      const std::span<const std::uint32_t> texts = shared_.of_class(of_class);
      for (const std::uint32_t text : texts) {
        if (batch_of_[text] == batch_) return false;
      }
      for (const std::uint32_t text : texts) batch_of_[text] = batch_;
      return true;
    }

    void put_off(std::uint32_t of_class) {
      const auto position = static_cast<std::uint32_t>(ahead_);
      std::uint32_t& last = last_[of_class];
      if (last == kNone) {
        added_.push_back({position, of_class});
      } else {
        following_[last] = position;
      }
      last = position;
    }

    const SharedTexts& shared_;
    const std::vector<std::uint32_t> order_;
    std::vector<std::uint32_t> following_;  // position -> the next one of its class that was put off
    std::vector<std::uint32_t> last_;       // class -> the last position of it that was put off; kNone: none is
    std::vector<std::uint32_t> batch_of_;   // text -> the last batch that it stands in, from 1
    std::vector<Waiting> waiting_, added_;  // ascending; those that this batch adds
    std::size_t ahead_ = 0;                 // positions from here on have not been looked at
    std::uint32_t batch_ = 0;
  };

  bool share_a_text(std::uint32_t a, std::uint32_t b) const {
    const auto texts = shared_.of_row(a), others = shared_.of_row(b);
    return std::ranges::find_first_of(texts, others) != texts.end();
  }

  // Where a batch needs two rows and one was left alone, another batch lends it a row, from the last batch backwards.
  // Each lends one at most: many small batches would be worse than a few rows less.
  void pair_up(std::span<const std::uint32_t> lonely, Batches& out) const {
    std::vector<std::uint32_t> pairs, lent;  // lent: where they stand, descending
    std::size_t lender = out.size();
    for (const std::uint32_t row : lonely) {
      while (lender > 0) {
        const std::size_t begin = out.begin_of(--lender);
        if (out[lender].size() <= config_.least_rows) continue;
        std::size_t at = out.ends[lender];
        while (at > begin && share_a_text(row, out.rows[at - 1])) --at;
        if (at == begin) continue;
        lent.push_back(static_cast<std::uint32_t>(at - 1));
        pairs.insert(pairs.end(), {out.rows[at - 1], row});
        break;
      }
    }
    if (pairs.empty()) return;
    std::size_t kept = 0, position = 0;
    for (std::uint32_t& end : out.ends) {
      for (; position < end; ++position) {
        if (!lent.empty() && lent.back() == position) {
          lent.pop_back();
        } else {
          out.rows[kept++] = out.rows[position];
        }
      }
      end = static_cast<std::uint32_t>(kept);
    }
    out.rows.resize(kept);
    for (const std::uint32_t row : pairs) {
      out.rows.push_back(row);
      if (out.open_size() == 2) out.close();
    }
  }

  const SharedTexts shared_;
  const SamplerConfig config_;
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_no_duplicates(Source& source, const SamplerConfig& config) {
  if (source.columns.size() > UINT32_MAX / std::max<std::size_t>(source.rows(), 1)) {
    return Status{Code::kUnsupported, "batchSampler 'no_duplicates' takes less than 2^32 texts"};
  }
  const bool has_hashes = !source.text_hashes.empty();
  if (!has_hashes) hash_texts(source);
  SharedTexts shared = find_shared_texts(source);
  if (!has_hashes) source.text_hashes = {};
  return std::unique_ptr<Sampler>(std::make_unique<NoDuplicates>(std::move(shared), config));
}

}  // namespace stillvec::training
