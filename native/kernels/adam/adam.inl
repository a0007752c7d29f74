// One algorithm for every vector type: included inside the namespace and target region of an ISA, where Floats is its
// vector of f32.

struct UpdateVectors {
  Floats::V gradient_scale, beta1_decay, beta1_gain, beta2_decay, beta2_gain, weight_decay, step_size, root_scale, eps;
};

static inline void update_vector(const UpdateVectors& u, Floats::V gradient, Floats::V& p, Floats::V& m, Floats::V& v) {
  using F = Floats;
  const F::V g = F::mul(u.gradient_scale, gradient);
  m = F::fma(u.beta1_decay, m, F::mul(u.beta1_gain, g));
  v = F::fma(u.beta2_decay, v, F::mul(u.beta2_gain, F::mul(g, g)));
  const F::V root = F::fma(u.root_scale, F::sqrt(v), u.eps);
  p = F::fnma(u.step_size, F::div(m, root), F::mul(u.weight_decay, p));
}

static void update(const AdamUpdate& u, const float* gradient, std::size_t n, float* p, float* m, float* v) {
  using F = Floats;
  const UpdateVectors vectors = {F::set(u.gradient_scale), F::set(u.beta1_decay), F::set(u.beta1_gain),
                                 F::set(u.beta2_decay),    F::set(u.beta2_gain),  F::set(u.weight_decay),
                                 F::set(u.step_size),      F::set(u.root_scale),  F::set(u.eps)};
  std::size_t k = 0;
  for (; k + F::kLanes <= n; k += F::kLanes) {
    F::V pk = F::load(p + k), mk = F::load(m + k), vk = F::load(v + k);
    update_vector(vectors, F::load(gradient + k), pk, mk, vk);
    F::store(p + k, pk);
    F::store(m + k, mk);
    F::store(v + k, vk);
  }
  if (k < n) {
    const std::size_t rest = n - k;
    F::V pk = F::load_partial(p + k, rest, 0.0f), mk = F::load_partial(m + k, rest, 0.0f);
    F::V vk = F::load_partial(v + k, rest, 1.0f);
    update_vector(vectors, F::load_partial(gradient + k, rest, 0.0f), pk, mk, vk);
    F::store_partial(p + k, pk, rest);
    F::store_partial(m + k, mk, rest);
    F::store_partial(v + k, vk, rest);
  }
}

// The factor of m: the expansion, or the sum where the expansion does not hold.
static inline Floats::V slumber_factor(const AdamSlumber& slumber, Floats::V v) {
  using F = Floats;
  const F::V root = F::sqrt(v);
  if (F::any_less(root, F::set(slumber.safe_root))) {
    F::V sum = F::zero();
    for (std::size_t t = 0; t < slumber.steps; ++t) {
      sum = F::add(sum, F::div(F::set(slumber.weights[t]), F::add(root, F::set(slumber.shifts[t]))));
    }
    return sum;
  }
  const F::V one = F::set(1.0f);
  const F::V y = F::div(one, F::fma(root, F::set(slumber.inverse_center), one));
  F::V sum = F::set(slumber.terms[AdamSlumber::kTerms - 1]);
  for (std::size_t k = AdamSlumber::kTerms - 1; k-- > 0;) sum = F::fma(sum, y, F::set(slumber.terms[k]));
  return F::mul(sum, y);
}

static void catch_up(const AdamSlumber& slumber, const float* m, const float* v, std::size_t n, float* p) {
  using F = Floats;
  const F::V decay = F::set(slumber.weight_decay);
  std::size_t k = 0;
  for (; k + F::kLanes <= n; k += F::kLanes) {
    const F::V factor = slumber_factor(slumber, F::load(v + k));
    F::store(p + k, F::fnma(F::load(m + k), factor, F::mul(decay, F::load(p + k))));
  }
  if (k < n) {
    const std::size_t rest = n - k;
    const F::V factor = slumber_factor(slumber, F::load_partial(v + k, rest, 1.0f));
    const F::V moved =
        F::fnma(F::load_partial(m + k, rest, 0.0f), factor, F::mul(decay, F::load_partial(p + k, rest, 0.0f)));
    F::store_partial(p + k, moved, rest);
  }
}

extern const AdamKernels kAdam;
const AdamKernels kAdam = {update, catch_up};
