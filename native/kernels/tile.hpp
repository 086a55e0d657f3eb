// The register tile of every wide product: rows × two vectors, each sum one ascending chain.
#pragma once

#include "kernels/simd.hpp"

namespace descend::DESCEND_ISA {
namespace {

// Thirty-two registers hold a tile of 12 rows, sixteen one of 6.
#if DESCEND_VECTOR_BYTES == 64 || defined(DESCEND_NEON)
constexpr int tile_rows = 12;
#else
constexpr int tile_rows = 6;
#endif
template <class T>
constexpr long tile_columns = 2 * lanes<T>;

// Columns of a panel that tiles go over: those that hold nothing but padding are left as they are, 0.
DESCEND_INLINE long panel_columns(long outputs, long panel) {
  const long left = outputs - panel * panel_width;
  return left < panel_width ? left : panel_width;
}

template <class T, int M>
using Tile = Vector<T>[M][2];

// Rows far apart in memory escape the machine's own prefetching; this many ahead hide the way to L3.
constexpr long rows_ahead = 12;

// sum[i] += a(i, k) · b(k, ·) for k = 0 … count−1. `far`: steps in a jump from line to line.
template <class T, int M, bool far = false>
DESCEND_INLINE void multiply_add(Tile<T, M>& sum, long count, const T* a, long a_row, long a_step, const T* b,
                                 long b_step) {
  for (long k = 0; k < count; ++k) {
    if constexpr (far) __builtin_prefetch(a + rows_ahead * a_step);
    const Vector<T> b0 = load(b), b1 = load(b + lanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Vector<T> x = splat(a[i * a_row]);
      sum[i][0] = fma(x, b0, sum[i][0]);
      sum[i][1] = fma(x, b1, sum[i][1]);
    }
    a += a_step;
    b += b_step;
  }
}

// Calls body.run<rows in the tile>(first row) until `last` is reached. The rest goes in one tile where it
// can: a tile of few rows waits for its multiply-adds, so two of them take twice as long as one.
template <class Body>
DESCEND_INLINE void for_tiles(long first, long last, const Body& body) {
  long row = first;
  for (; row + tile_rows <= last; row += tile_rows) body.template run<tile_rows>(row);
  if constexpr (tile_rows > 6)
    for (; row + 6 <= last; row += 6) body.template run<6>(row);
  switch (last - row) {
    case 5: return body.template run<5>(row);
    case 4: return body.template run<4>(row);
    case 3: return body.template run<3>(row);
    case 2: return body.template run<2>(row);
    case 1: return body.template run<1>(row);
  }
}

}  // namespace
}  // namespace descend::DESCEND_ISA
