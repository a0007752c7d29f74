// One algorithm for every vector type: included inside the namespace and target region of an ISA, where Floats is its
// vector of f32.

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

// exp(x) for x <= 0: 2^k * exp(r) with x = k ln2 + r, |r| <= ln2 / 2, where exp(r) is its Taylor polynomial of degree 7
// (relative remainder 5e-9). Below -88 the power of two is zero.
static inline Floats::V exp_nonpositive(Floats::V x) {
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

static float logits(const float* s, const float* column_scale, float row_scale, std::size_t n, float* z) {
  using F = Floats;
  const float lowest = -kInfinity;
  const F::V row = F::set(row_scale);
  F::V max = F::set(lowest);
  std::size_t j = 0;
  for (; j + F::kLanes <= n; j += F::kLanes) {
    const F::V scale = column_scale == nullptr ? row : F::mul(row, F::load(column_scale + j));
    const F::V value = F::mul(F::load(s + j), scale);
    F::store(z + j, value);
    max = F::max(max, value);
  }
  float result = F::largest(max);
  if (j < n) {
    const std::size_t rest = n - j;
    const F::V scale = column_scale == nullptr ? row : F::mul(row, F::load_partial(column_scale + j, rest, 0.0f));
    const F::V value = F::mul(F::load_partial(s + j, rest, 0.0f), scale);
    F::store_partial(z + j, value, rest);
    const float last = F::largest(F::load_partial(z + j, rest, lowest));
    result = last > result ? last : result;
  }
  return result;
}

static float exponentiate(float* z, float max, std::size_t n) {
  using F = Floats;
  const F::V shift = F::set(max);
  F::V sum = F::zero();
  std::size_t j = 0;
  for (; j + F::kLanes <= n; j += F::kLanes) {
    const F::V e = exp_nonpositive(F::sub(F::load(z + j), shift));
    F::store(z + j, e);
    sum = F::add(sum, e);
  }
  if (j < n) {
    const F::V e = exp_nonpositive(F::sub(F::load_partial(z + j, n - j, -kInfinity), shift));
    F::store_partial(z + j, e, n - j);
    sum = F::add(sum, e);
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
const SoftmaxKernels kSoftmax = {logits, exponentiate, gradient};
