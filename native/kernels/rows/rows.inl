// One algorithm for every vector type: included inside the namespace and target region of an ISA, where Floats is its
// vector of f32.

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
const RowKernels kRow = {squared_norm, add_scaled, scale, divide};
