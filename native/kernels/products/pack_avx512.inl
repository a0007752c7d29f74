// Packing with AVX-512, for the element type `Type`: included by the sources of the AVX-512 family, inside their
// namespace and target region.

// 16 x 16 units turned over: row i of `rows` becomes column i, rows of the result `stride` units apart.
void store_transposed(__m512i (&rows)[16], std::uint32_t* out, std::size_t stride) {
  __m512i pairs[16], quads[16];
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  // quads[4 g + j], 128-bit lane l: column 4 l + j of rows 4 g ... 4 g + 3.
  for (int j = 0; j < 4; ++j) {
    const __m512i low01 = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0x88);   // lanes 0 and 2 of groups 0, 1
    const __m512i high01 = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0xdd);  // lanes 1 and 3
    const __m512i low23 = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0x88);
    const __m512i high23 = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0xdd);
    _mm512_storeu_si512(out + j * stride, _mm512_shuffle_i32x4(low01, low23, 0x88));
    _mm512_storeu_si512(out + (4 + j) * stride, _mm512_shuffle_i32x4(high01, high23, 0x88));
    _mm512_storeu_si512(out + (8 + j) * stride, _mm512_shuffle_i32x4(low01, low23, 0xdd));
    _mm512_storeu_si512(out + (12 + j) * stride, _mm512_shuffle_i32x4(high01, high23, 0xdd));
  }
}

template <typename Type>
void left_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (int r = 0; r < 16; ++r) _mm512_storeu_si512(packed + r * kBlockUnits, Type::along(source + r * stride));
}

template <typename Type>
void left_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  __m512i rows[16];
  for (int u = 0; u < 16; ++u) rows[u] = Type::down(source, stride, u);
  store_transposed(rows, packed, kBlockUnits);
}

template <typename Type>
void right_rows(const float* source, std::size_t stride, std::uint32_t* packed) {
  __m512i rows[16];
  for (int c = 0; c < 16; ++c) rows[c] = Type::along(source + c * stride);
  store_transposed(rows, packed, kPanelColumns);
}

template <typename Type>
void right_columns(const float* source, std::size_t stride, std::uint32_t* packed) {
  for (int u = 0; u < 16; ++u) _mm512_storeu_si512(packed + u * kPanelColumns, Type::down(source, stride, u));
}
