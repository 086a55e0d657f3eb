// Householder reduction of [R; block] to R. The block lies column by column, so that every sum over its rows
// runs in sixteen lanes and ends in a fixed tree.
//
// Reflection j is I − g·v·vᵀ with v = (head at R's row j, column j of the block as it is): the top of v is
// one number because R is triangular, so R's other rows and the block's other zeros are never touched.
#pragma once

#include "kernels/residual.hpp"
#include "kernels/tsqr_rows.hpp"

namespace descend::DESCEND_ISA {
namespace {
namespace tall {

using tsqr::Triangle;

// With at most this many columns left, reflections are applied one by one: the block fits the nearest cache.
constexpr long most_together = 32;
// Otherwise so many are gathered before the columns to their right are touched.
constexpr long panel_columns = 16;
// Squared lengths below this are zero: their square roots would be too inexact to reflect with.
constexpr double negligible = 0x1p-900;

// Columns swept at once, so that sums and what they are made of fit the registers.
#if DESCEND_VECTOR_BYTES == 64
constexpr int swept = 4, gathered = 4;
#else
constexpr int swept = 2, gathered = 3;
#endif

enum class With { nothing, next, itself };

// C columns from `column` on: column += factor·reflector where there is one, then products[c] = column ·
// next.
template <int C, bool updating, With with>
DESCEND_INLINE void sweep(const Block& block, const double* reflector, const double* factor,
                          const double* next, double* column, double* products) {
  LaneSums<double> sums[C];
  Vector<double> f[C];  // read before anything is written: the compiler cannot know that they stay
  for (int c = 0; c < C; ++c) f[c] = updating ? splat(factor[c]) : Vector<double>{};
  for (long i = 0; i < block.rows; i += narrow_width)
#pragma GCC unroll 8
    for (long v = 0; v < lane_vectors<double>; ++v) {
      const long at = i + v * lanes<double>;
      const Vector<double> r = updating ? load(reflector + at) : Vector<double>{};
      const Vector<double> n = with == With::next ? load(next + at) : Vector<double>{};
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        double* here = column + c * block.stride + at;
        Vector<double> value = load(here);
        if constexpr (updating) store(here, value = fma(f[c], r, value));
        if constexpr (with == With::next) sums[c].part[v] = fma(n, value, sums[c].part[v]);
        if constexpr (with == With::itself) sums[c].part[v] = fma(value, value, sums[c].part[v]);
      }
    }
  if constexpr (with != With::nothing)
    for (int c = 0; c < C; ++c) products[c] = sums[c].total();
}

// The same for columns first … last − 1, `width` at a time; factors and products are indexed by column.
template <int width, bool updating, With with>
DESCEND_INLINE void sweep_all(const Block& block, long reflector, long next, long first, long last,
                              const double* factors, double* products) {
  const double* v = block.data + reflector * block.stride;
  const double* u = block.data + next * block.stride;
  long c = first;
  for (; c + width <= last; c += width)
    sweep<width, updating, with>(block, v, factors + c, u, block.data + c * block.stride, products + c);
  for (; c < last; ++c)
    sweep<1, updating, with>(block, v, factors + c, u, block.data + c * block.stride, products + c);
}

struct Reflection {
  double head, gain;
};

// Turns (diagonal, column) with the column's squared length into (±length, 0). No reflection has gain 0.
DESCEND_INLINE Reflection reflect(double& diagonal, double square) {
  if (!(square > negligible)) return {0, 0};
  const double length = __builtin_sqrt(diagonal * diagonal + square);
  const double after = diagonal > 0 ? -length : length;
  const double head = diagonal - after;
  diagonal = after;
  return {head, -1 / (after * head)};
}

// Reflections `first` … `last` − 1, each applied at once to the columns up to `reach`.
DESCEND_INLINE void reduce(Block block, long first, long last, long reach, Triangle triangle,
                           Reflection* reflections, double* products, double* factors) {
  const auto entry = [&](long row, long column) -> double& {
    return triangle.columns[column * triangle.factored + row];
  };
  sweep_all<gathered, false, With::next>(block, first, first, first, reach, factors, products);
  for (long j = first; j < last; ++j) {
    const auto [head, gain] = reflections[j - first] = reflect(entry(j, j), products[j]);
    for (long c = j + 1; c < reach; ++c) {
      const double f = gain * (head * entry(j, c) + products[c]);
      entry(j, c) -= f * head;
      factors[c] = -f;
    }
    if (j + 1 < last) {
      sweep_all<1, true, With::itself>(block, j, j, j + 1, j + 2, factors, products);
      sweep_all<swept, true, With::next>(block, j, j + 1, j + 2, reach, factors, products);
    } else {
      sweep_all<swept, true, With::nothing>(block, j, j, last, reach, factors, products);
    }
  }
}

// A panel's reflections on C columns further right, all at once: what one reflection would have changed in
// the next one's factor is known from the products of the reflectors.
template <int C>
DESCEND_INLINE void carry(Block block, long first, long count, const Reflection* reflections,
                          const double (&overlap)[panel_columns][panel_columns], Triangle triangle, long at) {
  double factor[panel_columns][C];
  double* column = block.data + at * block.stride;
  for (long j = 0; j < count; ++j) {
    const auto [head, gain] = reflections[j];
    sweep<C, false, With::next>(block, nullptr, nullptr, block.data + (first + j) * block.stride, column,
                                factor[j]);
    for (long c = 0; c < C; ++c) {
      double& top = triangle.columns[(at + c) * triangle.factored + first + j];
      double product = head * top + factor[j][c];
      for (long i = 0; i < j; ++i) product += overlap[j][i] * factor[i][c];
      const double f = gain * product;
      top -= f * head;
      factor[j][c] = -f;
    }
  }
  for (long i = 0; i < block.rows; i += narrow_width) {
    Vector<double> value[C][lane_vectors<double>];
    for (int c = 0; c < C; ++c)
      for (long v = 0; v < lane_vectors<double>; ++v)
        value[c][v] = load(column + c * block.stride + i + v * lanes<double>);
    for (long j = 0; j < count; ++j)
      for (long v = 0; v < lane_vectors<double>; ++v) {
        const Vector<double> reflector =
            load(block.data + (first + j) * block.stride + i + v * lanes<double>);
        for (int c = 0; c < C; ++c) value[c][v] = fma(splat(factor[j][c]), reflector, value[c][v]);
      }
    for (int c = 0; c < C; ++c)
      for (long v = 0; v < lane_vectors<double>; ++v)
        store(column + c * block.stride + i + v * lanes<double>, value[c][v]);
  }
}

void carry_panel(Block block, long first, long last, const Reflection* reflections, Triangle triangle) {
  double overlap[panel_columns][panel_columns];
  for (long j = 0; j < last - first; ++j) {
    const Block panel{block.data + first * block.stride, block.rows, block.stride};
    sweep_all<gathered, false, With::next>(panel, 0, j, 0, j, nullptr, overlap[j]);
  }
  const long total = triangle.factored + triangle.carried;
  long c = last;
  for (; c + gathered <= total; c += gathered)
    carry<gathered>(block, first, last - first, reflections, overlap, triangle, c);
  for (; c < total; ++c) carry<1>(block, first, last - first, reflections, overlap, triangle, c);
}

void absorb(Block block, long first, Triangle triangle, double* scratch) {
  const long total = triangle.factored + triangle.carried;
  double *products = scratch, *factors = scratch + total;
  Reflection reflections[most_together];
  for (long last; first < triangle.factored; first = last) {
    const bool together = total - first <= most_together;
    last = together || first + panel_columns > triangle.factored ? triangle.factored : first + panel_columns;
    reduce(block, first, last, together ? total : last, triangle, reflections, products, factors);
    if (!together) carry_panel(block, first, last, reflections, triangle);
  }
  sweep_all<1, false, With::itself>(block, 0, 0, triangle.factored, total, factors, products);
  for (long c = 0; c < triangle.carried; ++c) triangle.rest[c] += products[triangle.factored + c];
}

constexpr tsqr::Kernels kernels{moments, load_rows, absorb, residual};

}  // namespace tall
}  // namespace
}  // namespace descend::DESCEND_ISA
