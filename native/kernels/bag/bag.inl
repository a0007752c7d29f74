// One algorithm for every vector type: included inside the namespace and target region of an ISA, where Floats is its
// vector of f32 and Words one of u64, and F32, F16, Bf16 and I8 read the values of a table.

constexpr std::size_t kCacheLine = 64;
// A group of rows is added to all columns, a block of them in registers at a time, before the next group: with fewer
// rows the sums come and go too often, with more a row's page is forgotten between its blocks.
constexpr std::size_t kGroup = 16;
// Longer stretches of a row come faster from memory, but with more than these AVX2 runs out of registers.
constexpr std::size_t kBlockColumns = Floats::kLanes < 16 ? 64 : 128;
// How many rows ahead to prefetch, into L2: there a core has more misses in flight than into L1.
constexpr std::size_t kDistance = 12;

// Up to kGroup rows of a bag.
template <typename Format>
struct Group {
  using Value = typename Format::Value;

  std::size_t count;
  bool is_first;
  float factor;  // of the sums: 1 but for the last group
  const Value* rows[kGroup];
  const Value* ahead[kGroup];  // to be fetched with the row; the row itself where none is known
  float weights[kGroup];
  float scales[kGroup];
};

template <typename Format>
static inline void take_group(const TableView& table, const Bag& bag, std::size_t begin, Group<Format>& group) {
  const auto* values = static_cast<const typename Format::Value*>(table.values);
  for (std::size_t j = 0; j < group.count; ++j) {
    const WeightedRow& row = bag.rows[begin + j];
    const std::size_t later = begin + j + kDistance;
    const WeightedRow& ahead = later < bag.count                    ? bag.rows[later]
                               : later - bag.count < bag.next_count ? bag.next[later - bag.count]
                                                                    : row;
    group.rows[j] = values + std::size_t{row.row} * table.stride;
    group.ahead[j] = values + std::size_t{ahead.row} * table.stride;
    group.weights[j] = row.weight;
    if constexpr (Format::kScaled) group.scales[j] = table.scales[row.row];
  }
}

template <typename Format>
static inline Floats::V scaled(Floats::V value, [[maybe_unused]] float scale) {
  if constexpr (Format::kScaled) return Floats::mul(value, Floats::set(scale));
  return value;
}

alignas(kCacheLine) constexpr float kZeros[kBlockColumns] = {};

// Columns [column, column + kVectors * Floats::kLanes) of `out`.
template <typename Format, std::size_t kVectors>
static inline void add_block(const Group<Format>& group, std::size_t column, float* out) {
  using F = Floats;
  constexpr std::size_t kBytes = kVectors * F::kLanes * sizeof(typename Format::Value);
  F::V sums[kVectors];
  float* const place = out + column;
  // The sums are written at the end, to lines that are then on their way.
  for (std::size_t c = 0; c < kVectors * F::kLanes; c += kCacheLine / sizeof(float)) F::prefetch(place + c);
  const float* before = group.is_first ? kZeros : place;
  for (std::size_t v = 0; v < kVectors; ++v) sums[v] = F::load(before + v * F::kLanes);
  for (std::size_t j = 0; j < group.count; ++j) {
    const auto* ahead = reinterpret_cast<const char*>(group.ahead[j] + column);
    for (std::size_t b = 0; b < kBytes; b += kCacheLine) Words::prefetch(ahead + b);
    const typename Format::Value* row = group.rows[j] + column;
    const F::V weight = F::set(group.weights[j]);
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[v] = F::fma(weight, scaled<Format>(Format::load(row + v * F::kLanes), group.scales[j]), sums[v]);
    }
  }
  const F::V factor = F::set(group.factor);
  for (std::size_t v = 0; v < kVectors; ++v) F::store(place + v * F::kLanes, F::mul(sums[v], factor));
}

// The last `count` columns, fewer than a register holds.
template <typename Format>
static inline void add_tail(const Group<Format>& group, std::size_t column, std::size_t count, float* out) {
  using F = Floats;
  F::V sum = group.is_first ? F::zero() : F::load_partial(out + column, count, 0.0f);
  for (std::size_t j = 0; j < group.count; ++j) {
    const F::V value = scaled<Format>(Format::load_partial(group.rows[j] + column, count), group.scales[j]);
    sum = F::fma(F::set(group.weights[j]), value, sum);
  }
  F::store_partial(out + column, F::mul(sum, F::set(group.factor)), count);
}

template <typename Format>
static void sum_rows(const TableView& table, const Bag& bag, float factor, std::size_t columns, float* out) {
  using F = Floats;
  Group<Format> group;
  std::size_t done = 0;
  do {
    const std::size_t left = bag.count - done;
    group.count = left < kGroup ? left : kGroup;
    group.is_first = done == 0;
    group.factor = left <= kGroup ? factor : 1.0f;
    take_group<Format>(table, bag, done, group);
    std::size_t c = 0;
    for (; c + kBlockColumns <= columns; c += kBlockColumns) {
      add_block<Format, kBlockColumns / F::kLanes>(group, c, out);
    }
    for (; c + F::kLanes <= columns; c += F::kLanes) add_block<Format, 1>(group, c, out);
    if (c < columns) add_tail<Format>(group, c, columns - c, out);
    done += group.count;
  } while (done < bag.count);
}

// Four rows at once: more streams than one keep more of the memory busy.
static std::uint64_t read_rows(const void* values, std::size_t stride, std::size_t bytes, const Bag& bag) {
  constexpr std::size_t kRows = 4;
  const char* const begin = static_cast<const char*>(values);
  const std::size_t whole = bytes - bytes % Words::kBytes;
  Words::V sums[kRows];
  for (std::size_t j = 0; j < kRows; ++j) sums[j] = Words::zero();
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < bag.count; i += kRows) {
    const std::size_t rows = bag.count - i < kRows ? bag.count - i : kRows;
    const char* row[kRows];
    const char* next[kRows];
    for (std::size_t j = 0; j < kRows; ++j) {
      const std::size_t later = i + j + kDistance;
      row[j] = begin + bag.rows[i + (j < rows ? j : 0)].row * stride;
      next[j] = later < bag.count                    ? begin + bag.rows[later].row * stride
                : later - bag.count < bag.next_count ? begin + bag.next[later - bag.count].row * stride
                                                     : row[j];
    }
    if (rows == kRows) {
      for (std::size_t b = 0; b < whole; b += Words::kBytes) {
        for (std::size_t j = 0; j < kRows; ++j) {
          if (b % kCacheLine == 0) Words::prefetch(next[j] + b);
          sums[j] = Words::add(sums[j], Words::load(row[j] + b));
        }
      }
    } else {
      for (std::size_t j = 0; j < rows; ++j) {
        for (std::size_t b = 0; b < whole; b += Words::kBytes) sums[j] = Words::add(sums[j], Words::load(row[j] + b));
      }
    }
    for (std::size_t j = 0; j < rows; ++j) {
      for (std::size_t b = whole; b + 8 <= bytes; b += 8) {
        std::uint64_t word;
        std::memcpy(&word, row[j] + b, sizeof word);
        rest += word;
      }
    }
  }
  std::uint64_t lanes[Words::kBytes / sizeof(std::uint64_t)];
  Words::store(lanes, Words::add(Words::add(sums[0], sums[1]), Words::add(sums[2], sums[3])));
  for (const std::uint64_t lane : lanes) rest += lane;
  return rest;
}

const BagKernels kBag = {sum_rows<F32>, sum_rows<F16>, sum_rows<Bf16>, sum_rows<I8>, read_rows};
