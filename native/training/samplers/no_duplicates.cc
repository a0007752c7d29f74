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
      if (!config_.drop_last)
        lonely.insert(lonely.end(), out.rows.begin() + static_cast<std::ptrdiff_t>(out.open_begin()), out.rows.end());
      out.discard();
    }
    if (!lonely.empty() && out.size() > 0) place(lonely, out);
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

  // Gives rows that were left alone the places of others, in batches where none of their texts stands, from the last
  // one backwards; the others go to the end, where the last batch is not full. So a row is left out only where its
  // texts stand in every batch, and there are no more batches than that: many of a row or two would be worse than some
  // rows less.
  void place(std::span<const std::uint32_t> lonely, Batches& out) const {
    std::vector<std::uint32_t> last;  // the last batch
    std::vector<bool> stands(shared_.count, false);
    const auto fits = [&](std::uint32_t row) {
      return std::ranges::none_of(shared_.of_row(row), [&](std::uint32_t text) { return stands[text]; });
    };
    const auto add = [&](std::uint32_t row) {
      last.push_back(row);
      for (const std::uint32_t text : shared_.of_row(row)) stands[text] = true;
    };
    if (out[out.size() - 1].size() < config_.batch_size) {
      std::ranges::for_each(out[out.size() - 1], add);
      out.ends.pop_back();
      out.discard();
    }

    // Class -> the batches that it has not been looked for in. All rows together are compared with so many at most.
    std::vector<std::size_t> left(shared_.class_ends.size(), out.size());
    std::size_t comparisons = 8 * shared_.class_of.size();
    for (const std::uint32_t row : lonely) {
      if (last.size() == config_.batch_size) {
        finish(last, out);
        last.clear();
        stands.assign(stands.size(), false);
      }
      if (fits(row)) {
        add(row);
        continue;
      }
      std::size_t& batches = left[shared_.class_of[row]];
      for (bool is_placed = false; !is_placed && batches > 0;) {
        --batches;
        const std::span<std::uint32_t> batch(out.rows.data() + out.begin_of(batches), out[batches].size());
        if (comparisons < batch.size()) return finish(last, out);
        comparisons -= batch.size();
        if (std::ranges::any_of(batch, [&](std::uint32_t other) { return share_a_text(row, other); })) continue;
        const auto given = std::ranges::find_if(batch, fits);
        is_placed = given != batch.end();
        if (is_placed) add(std::exchange(*given, row));
      }
    }
    // A last batch of too few rows has some of the one before it.
    while (last.size() < config_.least_rows && out.size() > 0 && out[out.size() - 1].size() > config_.least_rows) {
      const std::span<std::uint32_t> batch(out.rows.data() + out.begin_of(out.size() - 1),
                                           out.rows.data() + out.rows.size());
      const auto given = std::ranges::find_if(batch, fits);
      if (given == batch.end()) break;
      add(std::exchange(*given, out.rows.back()));
      out.rows.pop_back();
      --out.ends.back();
    }
    finish(last, out);
  }

  void finish(std::span<const std::uint32_t> last, Batches& out) const {
    if (last.size() < config_.least_rows) return;
    out.rows.insert(out.rows.end(), last.begin(), last.end());
    out.close();
  }

  bool share_a_text(std::uint32_t a, std::uint32_t b) const {
    const auto texts = shared_.of_row(a), others = shared_.of_row(b);
    return std::ranges::find_first_of(texts, others) != texts.end();
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
