// Aᵀ·W·(b − A·c) in twice the precision of double: every product and sum keeps its rounding error, in a tail
// beside its head.
//
// T. Ogita, S. M. Rump and S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005; the error
// of a sum is D. E. Knuth's, that of a product fma's, or T. J. Dekker's where there is no fma.
#pragma once

#include "kernels/tsqr_rows.hpp"

namespace descend::DESCEND_ISA {
namespace {
namespace tall {

using tsqr::Residual;

typedef Vector<double> Doubles;

// a + b = sum + the result, exactly.
DESCEND_INLINE Doubles sum_error(Doubles a, Doubles b, Doubles sum) {
  const Doubles gained = sum - a;
  return (a - (sum - gained)) + (b - gained);
}

// Twenty-six leading bits of a number.
DESCEND_INLINE Doubles upper_half(Doubles a) {
  const Doubles turned = a * splat(0x1p27 + 1);
  return turned - (turned - a);
}

// a · b = product + the result, exactly.
DESCEND_INLINE Doubles product_error(Doubles a, Doubles b, Doubles product) {
  if constexpr (fused) return fma(a, b, -product);
  const Doubles x = upper_half(a), y = upper_half(b), u = a - x, v = b - y;
  return u * v - (((product - x * y) - u * y) - x * v);
}

// Sixteen sums at once, head and tail apart.
struct Doubled {
  Doubles head[lane_vectors<double>] = {}, tail[lane_vectors<double>] = {};

  // + a · (b + c), the tail of b being c.
  DESCEND_INLINE void add(long v, Doubles a, Doubles b, Doubles c) {
    const Doubles product = a * b;
    const Doubles error = product_error(a, b, product) + a * c;
    const Doubles sum = head[v] + product;
    tail[v] = tail[v] + (sum_error(head[v], product, sum) + error);
    head[v] = sum;
  }

  // The head becomes the sum of both as rounded, the tail what rounding took.
  DESCEND_INLINE void settle(long v) {
    const Doubles sum = head[v] + tail[v];
    tail[v] = sum_error(head[v], tail[v], sum);
    head[v] = sum;
  }
};

// A block's residuals b − A·c, and those times the weights.
struct Remains {
  alignas(64) double head[block_rows], tail[block_rows], weighted[block_rows], weighted_tail[block_rows];
};

DESCEND_INLINE void subtract_fit(const Block& block, long columns, const double* targets,
                                 const double* coefficients, const double* weight, Remains& out) {
  constexpr long step = lanes<double>;
  for (long i = 0; i < block.rows; i += narrow_width) {
    Doubled rest;
    for (long v = 0; v < lane_vectors<double>; ++v) rest.head[v] = load(targets + i + v * step);
    for (long c = 0; c < columns; ++c) {
      const double* column = block.data + c * block.stride + i;
      const Doubles head = splat(-coefficients[2 * c]), tail = splat(-coefficients[2 * c + 1]);
#pragma GCC unroll 8
      for (long v = 0; v < lane_vectors<double>; ++v) rest.add(v, load(column + v * step), head, tail);
    }
    for (long v = 0; v < lane_vectors<double>; ++v) {
      const long at = i + v * step;
      rest.settle(v);
      Doubled weighted;
      weighted.add(v, load(weight + at), rest.head[v], rest.tail[v]);
      weighted.settle(v);
      store(out.head + at, rest.head[v]);
      store(out.tail + at, rest.tail[v]);
      store(out.weighted + at, weighted.head[v]);
      store(out.weighted_tail + at, weighted.tail[v]);
    }
  }
}

// lanes (heads, then tails) += column · (weighted residual), row by row.
DESCEND_INLINE void add_products(const double* column, const Remains& of, long rows, double* lane) {
  constexpr long step = lanes<double>;
  Doubled sums;
  for (long v = 0; v < lane_vectors<double>; ++v) {
    sums.head[v] = load(lane + v * step);
    sums.tail[v] = load(lane + narrow_width + v * step);
  }
  for (long i = 0; i < rows; i += narrow_width)
#pragma GCC unroll 8
    for (long v = 0; v < lane_vectors<double>; ++v) {
      const long at = i + v * step;
      sums.add(v, load(column + at), load(of.weighted + at), load(of.weighted_tail + at));
    }
  for (long v = 0; v < lane_vectors<double>; ++v) {
    store(lane + v * step, sums.head[v]);
    store(lane + narrow_width + v * step, sums.tail[v]);
  }
}

// The table's own numbers times powers of two, which is exact, after the intercept's 1; rows that do not
// count are 0, however large their numbers.
DESCEND_INLINE void load_exactly(const System& system, const Residual& residual, long first, long rows,
                                 const double* weight, Block out) {
  alignas(64) double counts[block_rows];
  for (long i = 0; i < out.rows; ++i) counts[i] = weight[i] > 0 ? 1 : 0;
  if (system.intercept) {
    __builtin_memcpy(out.data, counts, static_cast<unsigned long>(out.rows) * sizeof(double));
    out.data += out.stride;
  }
  load_table(system.x, {residual.scale, residual.zeros}, first, rows, counts, out);
  out.data += system.x.columns * out.stride;
  load_table(system.y, {residual.scale + system.x.columns, residual.zeros}, first, rows, counts, out);
}

void residual(const System& system, const Residual& residual, long first, long rows, Block block) {
  const RowWeights of(system, first, rows);
  const long columns = system.x.columns + (system.intercept ? 1 : 0);
  load_exactly(system, residual, first, rows, of.weight, block);
  Remains remains;
  for (long t = 0; t < system.y.columns; ++t) {
    subtract_fit(block, columns, block.data + (columns + t) * block.stride,
                 residual.coefficients + 2 * t * columns, of.weight, remains);
    double* lane = residual.lanes + t * (columns + 1) * 2 * narrow_width;
    for (long c = 0; c < columns; ++c, lane += 2 * narrow_width)
      add_products(block.data + c * block.stride, remains, block.rows, lane);
    add_products(remains.head, remains, block.rows, lane);
  }
}

}  // namespace tall
}  // namespace
}  // namespace descend::DESCEND_ISA
