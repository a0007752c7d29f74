// One algorithm for every vector type: included inside the namespace and target region of an ISA, where Floats is its
// vector of f32.

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

// exp(x) for x <= 1: 2^k * exp(r) with x = k ln2 + r, |r| <= ln2 / 2, where exp(r) is its Taylor polynomial of degree 7
// (relative remainder 5e-9). Below -88 the power of two is zero.
static inline Floats::V exponential(Floats::V x) {
  using F = Floats;
  x = F::max(x, F::set(-88.0f));
  const F::V k = F::round(F::mul(x, F::set(1.44269504f)));
  F::V r = F::fnma(k, F::set(0.693359375f), x);  // the leading 10 bits of ln2: exact
  r = F::fnma(k, F::set(-2.12194440e-4f), r);
  F::V e = F::set(1.0f / 5040.0f);
  e = F::fma(e, r, F::set(1.0f / 720.0f));
  e = F::fma(e, r, F::set(1.0f / 120.0f));
  e = F::fma(e, r, F::set(1.0f / 24.0f));
  e = F::fma(e, r, F::set(1.0f / 6.0f));
  e = F::fma(e, r, F::set(0.5f));
  e = F::fma(e, r, F::set(1.0f));
  e = F::fma(e, r, F::set(1.0f));
  return F::mul(e, F::power_of_two(k));
}

static float largest(const float* s, const float* column_scale, float row_scale, std::size_t n) {
  using F = Floats;
  const F::V row = F::set(row_scale);
  F::V max = F::set(-kInfinity);
  std::size_t j = 0;
  for (; j + F::kLanes <= n; j += F::kLanes) {
    const F::V scale = column_scale == nullptr ? row : F::mul(row, F::load(column_scale + j));
    max = F::max(max, F::mul(F::load(s + j), scale));
  }
  const float whole = F::largest(max);
  if (j == n) return whole;
  // The rest, and in the lanes beyond it the first of the rest again.
  const std::size_t rest = n - j;
  const F::V scale =
      column_scale == nullptr ? row : F::mul(row, F::load_partial(column_scale + j, rest, column_scale[j]));
  const float last = F::largest(F::mul(F::load_partial(s + j, rest, s[j]), scale));
  return last > whole ? last : whole;
}

static float exponentials(const float* s, const float* column_scale, float row_scale, float shift, std::size_t n,
                          float* e) {
  using F = Floats;
  const F::V row = F::set(row_scale), down = F::set(-shift);
  F::V sum = F::zero();
  std::size_t j = 0;
  for (; j + F::kLanes <= n; j += F::kLanes) {
    const F::V scale = column_scale == nullptr ? row : F::mul(row, F::load(column_scale + j));
    const F::V value = exponential(F::fma(F::load(s + j), scale, down));
    F::store(e + j, value);
    sum = F::add(sum, value);
  }
  if (j < n) {
    const std::size_t rest = n - j;
    const F::V scale = column_scale == nullptr ? row : F::mul(row, F::load_partial(column_scale + j, rest, 0.0f));
    const F::V value = exponential(F::fma(F::load_partial(s + j, rest, 0.0f), scale, down));
    F::store_partial(e + j, value, rest);
    sum = F::add(sum, F::load_partial(e + j, rest, 0.0f));
  }
  return F::sum(sum);
}

static float gradient(const float* e, const float* column_scale, float row_scale, std::size_t n, float* s, float* h,
                      float* column_sums) {
  using F = Floats;
  const F::V row = F::set(row_scale);
  F::V sum = F::zero();
  std::size_t j = 0;
  for (; j + F::kLanes <= n; j += F::kLanes) {
    const F::V scale = column_scale == nullptr ? row : F::mul(row, F::load(column_scale + j));
    const F::V u = F::mul(F::load(e + j), scale);
    const F::V product = F::mul(u, F::load(s + j));
    const F::V total = F::add(F::load(h + j), u);
    F::store(h + j, total);
    F::store(s + j, total);
    F::store(column_sums + j, F::add(F::load(column_sums + j), product));
    sum = F::add(sum, product);
  }
  if (j < n) {
    const std::size_t rest = n - j;
    const F::V scale = column_scale == nullptr ? row : F::mul(row, F::load_partial(column_scale + j, rest, 0.0f));
    const F::V u = F::mul(F::load_partial(e + j, rest, 0.0f), scale);
    const F::V product = F::mul(u, F::load_partial(s + j, rest, 0.0f));
    const F::V total = F::add(F::load_partial(h + j, rest, 0.0f), u);
    F::store_partial(h + j, total, rest);
    F::store_partial(s + j, total, rest);
    F::store_partial(column_sums + j, F::add(F::load_partial(column_sums + j, rest, 0.0f), product), rest);
    sum = F::add(sum, product);
  }
  return F::sum(sum);
}

extern const SoftmaxKernels kSoftmax;
const SoftmaxKernels kSoftmax = {largest, exponentials, gradient};
