// One algorithm for every vector type: included inside the namespace and target region of an ISA, where Floats is its
// vector of f32.

// out = (first ? 0 : out) + the sum of `kRows` weighted rows. The same places of `next` rows are prefetched: each is on
// a page of its own, where no hardware prefetcher goes ahead of us.
template <int kRows>
static inline void add_rows(const float* matrix, std::size_t stride, const WeightedRow* rows, const WeightedRow* next,
                            std::size_t next_count, std::size_t n, bool first, float* out) {
  using F = Floats;
  constexpr std::size_t kLine = 16;  // floats in a cache line
  constexpr std::size_t kAhead = 4;
  const float* source[kRows];
  F::V weight[kRows];
  for (int i = 0; i < kRows; ++i) {
    source[i] = matrix + rows[i].row * stride;
    weight[i] = F::set(rows[i].weight);
  }
  const float* ahead[kAhead];
  for (std::size_t i = 0; i < kAhead; ++i) ahead[i] = i < next_count ? matrix + next[i].row * stride : source[0];
  std::size_t k = 0;
  for (; k + F::kLanes <= n; k += F::kLanes) {
    if (k % kLine == 0) {
      for (std::size_t i = 0; i < kAhead; ++i) F::prefetch(ahead[i] + k);
    }
    F::V sum = first ? F::zero() : F::load(out + k);
    for (int i = 0; i < kRows; ++i) sum = F::fma(weight[i], F::load(source[i] + k), sum);
    F::store(out + k, sum);
  }
  if (k < n) {
    const std::size_t rest = n - k;
    F::V sum = first ? F::zero() : F::load_partial(out + k, rest, 0.0f);
    for (int i = 0; i < kRows; ++i) sum = F::fma(weight[i], F::load_partial(source[i] + k, rest, 0.0f), sum);
    F::store_partial(out + k, sum, rest);
  }
}

static void weighted_sum(const float* matrix, std::size_t stride, const WeightedRow* rows, std::size_t count,
                         const WeightedRow* next, std::size_t next_count, std::size_t n, float* out) {
  constexpr std::size_t kAtOnce = 4;
  std::size_t i = 0;
  for (; i + kAtOnce < count; i += kAtOnce) {
    add_rows<kAtOnce>(matrix, stride, rows + i, rows + i + kAtOnce, count - i - kAtOnce, n, i == 0, out);
  }
  switch (count - i) {
    case 4: add_rows<4>(matrix, stride, rows + i, next, next_count, n, i == 0, out); break;
    case 3: add_rows<3>(matrix, stride, rows + i, next, next_count, n, i == 0, out); break;
    case 2: add_rows<2>(matrix, stride, rows + i, next, next_count, n, i == 0, out); break;
    case 1: add_rows<1>(matrix, stride, rows + i, next, next_count, n, i == 0, out); break;
    default:
      for (std::size_t k = 0; k < n; ++k) out[k] = 0.0f;
  }
}

static float squared_norm(const float* x, std::size_t n) {
  using F = Floats;
  F::V sum = F::zero();
  std::size_t k = 0;
  for (; k + F::kLanes <= n; k += F::kLanes) {
    const F::V value = F::load(x + k);
    sum = F::fma(value, value, sum);
  }
  if (k < n) {
    const F::V value = F::load_partial(x + k, n - k, 0.0f);
    sum = F::fma(value, value, sum);
  }
  return F::sum(sum);
}

static void add_scaled(float a, const float* x, std::size_t n, float* y) {
  using F = Floats;
  const F::V factor = F::set(a);
  std::size_t k = 0;
  for (; k + F::kLanes <= n; k += F::kLanes) F::store(y + k, F::fma(factor, F::load(x + k), F::load(y + k)));
  if (k < n) {
    const std::size_t rest = n - k;
    F::store_partial(y + k, F::fma(factor, F::load_partial(x + k, rest, 0.0f), F::load_partial(y + k, rest, 0.0f)),
                     rest);
  }
}

static void scale(float a, std::size_t n, float* y) {
  using F = Floats;
  const F::V factor = F::set(a);
  std::size_t k = 0;
  for (; k + F::kLanes <= n; k += F::kLanes) F::store(y + k, F::mul(factor, F::load(y + k)));
  if (k < n) F::store_partial(y + k, F::mul(factor, F::load_partial(y + k, n - k, 0.0f)), n - k);
}

static void divide(float a, std::size_t n, float* y) {
  using F = Floats;
  const F::V divisor = F::set(a);
  std::size_t k = 0;
  for (; k + F::kLanes <= n; k += F::kLanes) F::store(y + k, F::div(F::load(y + k), divisor));
  if (k < n) F::store_partial(y + k, F::div(F::load_partial(y + k, n - k, 0.0f), divisor), n - k);
}

extern const RowKernels kRow;
const RowKernels kRow = {weighted_sum, squared_norm, add_scaled, scale, divide};
