// Asks for the share of tile `tile` of `tiles` in the 32 cache lines at `block`, which come next: they are then in L2
// when all tiles are done.
static inline void prefetch_share(const std::uint32_t* block, std::size_t tile, std::size_t tiles) {
  constexpr std::size_t kLines = 32, kLine = 16;
  const std::size_t count = tiles < kLines ? (kLines + tiles - 1) / tiles : 1;
  for (std::size_t line = tile * count; line < kLines && line < (tile + 1) * count; ++line) {
    _mm_prefetch(reinterpret_cast<const char*>(block + line * kLine), _MM_HINT_T1);
  }
}

// Asks for half a block of a left operand.
static inline void prefetch_rows(const std::uint32_t* rows) {
  for (int line = 0; line < 8; ++line) {
    _mm_prefetch(reinterpret_cast<const char*>(rows + line * kBlockUnits), _MM_HINT_T0);
  }
}
