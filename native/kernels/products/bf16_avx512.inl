// bf16 units from f32 sources with AVX-512: included like pack_avx512.inl.

// To nearest even, in the upper half of each lane; the lower half is rubbish. NaNs aside, which no pooled row holds.
__m512i round_to_bf16(__m512i bits) {
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  return _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
}

// Units whose first value has its bits in the upper half of `first`, and the second in that of `second`.
__m512i join_bf16(__m512i first, __m512i second) {
  return _mm512_or_si512(_mm512_srli_epi32(first, 16), _mm512_and_si512(second, _mm512_set1_epi32(-65536)));
}

struct Bf16 {
  static constexpr std::size_t kUnit = 2;
  static __m512i along(const float* source) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    const __m512i low = round_to_bf16(_mm512_loadu_si512(source));
    const __m512i high = round_to_bf16(_mm512_loadu_si512(source + 16));
    return join_bf16(_mm512_permutex2var_epi32(low, even, high), _mm512_permutex2var_epi32(low, odd, high));
  }
  static __m512i down(const float* source, std::size_t stride, int u) {
    return join_bf16(round_to_bf16(_mm512_loadu_si512(source + 2 * u * stride)),
                     round_to_bf16(_mm512_loadu_si512(source + (2 * u + 1) * stride)));
  }
};
