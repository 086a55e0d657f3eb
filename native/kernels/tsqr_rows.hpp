// Rows of a least-squares problem as they lie in the caller's memory: their moments, and blocks of them.
#pragma once

#include "kernels/simd.hpp"
#include "kernels/tsqr_interface.hpp"

namespace descend::DESCEND_ISA {
namespace {
namespace tall {

using tsqr::Block;
using tsqr::block_rows;
using tsqr::Moments;
using tsqr::Number;
using tsqr::Scaling;
using tsqr::System;
using tsqr::Table;

// As many numbers as a vector of doubles has lanes.
template <class N>
struct Packed {
  typedef N type __attribute__((vector_size(lanes<double> * sizeof(N))));
};

template <class N>
DESCEND_INLINE Vector<double> widen(const N* from) {
  typename Packed<N>::type packed;
  __builtin_memcpy(&packed, from, sizeof packed);
  return __builtin_convertvector(packed, Vector<double>);
}

// One column of weights: 1 where there are none.
DESCEND_INLINE double weight_at(const System& system, long row) {
  const Table& weight = system.weight;
  if (!weight.data) return 1;
  const long at = row * weight.row_step;
  return system.weight_scale * (weight.number == Number::float64
                                    ? static_cast<const double*>(weight.data)[at]
                                    : static_cast<double>(static_cast<const float*>(weight.data)[at]));
}

// Weights of rows and their square roots, zero from `rows` to the end of the sixteen.
struct RowWeights {
  alignas(64) double weight[block_rows], root[block_rows];

  DESCEND_INLINE RowWeights(const System& system, long first, long rows) {
    for (long i = 0; i < round_up(rows, narrow_width); ++i)
      weight[i] = i < rows ? weight_at(system, first + i) : 0;
    for (long i = 0; i < round_up(rows, narrow_width); i += lanes<double>)
      store(root + i, descend::DESCEND_ISA::root(load(weight + i)));
  }
};

// No fused multiply-add here: columns that fill no vector are added one by one, and must give the same bits.
template <class N>
void column_moments(const Table& table, const N* x, long rows, const RowWeights& of, double* sum,
                    double* peak) {
  constexpr double down = 0x1p-64;  // so that no sum of finite numbers overflows
  long c = 0;
  for (; table.column_step == 1 && c + lanes<double> <= table.columns; c += lanes<double>) {
    Vector<double> total = load(sum + c), most = load(peak + c);
    for (long i = 0; i < rows; ++i) {
      const Vector<double> value = widen(x + i * table.row_step + c) * table.scale;
      total = total + value * (of.weight[i] * down);
      const Vector<double> size = absolute<double>(value) * of.root[i];
      most = select<double>(size > most, size, most);
    }
    store(sum + c, total);
    store(peak + c, most);
  }
  for (; c < table.columns; ++c)
    for (long i = 0; i < rows; ++i) {
      const double value = static_cast<double>(x[i * table.row_step + c * table.column_step]) * table.scale;
      sum[c] = sum[c] + value * (of.weight[i] * down);
      const double size = __builtin_fabs(value) * of.root[i];
      peak[c] = size > peak[c] ? size : peak[c];
    }
}

// Four rows of four neighbouring columns become four columns.
template <class N>
DESCEND_INLINE void turn_tile(const N* x, long row_step, double* out, long stride) {
  typedef double Four __attribute__((vector_size(4 * sizeof(double))));
  for (long c = 0; c < 4; ++c) {
    const Four column = {static_cast<double>(x[c]), static_cast<double>(x[row_step + c]),
                         static_cast<double>(x[2 * row_step + c]), static_cast<double>(x[3 * row_step + c])};
    __builtin_memcpy(out + c * stride, &column, sizeof column);
  }
}

// The table's rows as columns of doubles.
template <class N>
void turn(const Table& table, const N* x, long rows, double* out, long stride) {
  const long tiled_rows = table.column_step == 1 ? rows / 4 * 4 : 0, tiled_columns = table.columns / 4 * 4;
  for (long i = 0; i < tiled_rows; i += 4)
    for (long c = 0; c < tiled_columns; c += 4)
      turn_tile(x + i * table.row_step + c, table.row_step, out + c * stride + i, stride);
  for (long c = 0; c < table.columns; ++c)
    for (long i = c < tiled_columns ? tiled_rows : 0; i < rows; ++i)
      out[c * stride + i] = static_cast<double>(x[i * table.row_step + c * table.column_step]);
}

template <class Body>
DESCEND_INLINE void with_numbers(const Table& table, long first, const Body& body) {
  const long at = first * table.row_step;
  switch (table.number) {
    case Number::float64: return body(static_cast<const double*>(table.data) + at);
    case Number::float32: return body(static_cast<const float*>(table.data) + at);
    case Number::uint8: return body(static_cast<const std::uint8_t*>(table.data) + at);
  }
}

void moments(const System& system, long first, long rows, Moments out) {
  const RowWeights of(system, first, rows);
  for (long i = 0; i < rows; ++i) *out.weight += of.weight[i];
  long column = 0;
  const Table* const tables[] = {&system.x, &system.y};
  for (const Table* table : tables) {
    with_numbers(*table, first, [&](const auto* x) {
      column_moments(*table, x, rows, of, out.sum + column, out.peak + column);
    });
    column += table->columns;
  }
}

void load_table(const Table& table, const Scaling& scaling, long first, long rows, const double* root,
                Block out) {
  with_numbers(table, first, [&](const auto* x) { turn(table, x, rows, out.data, out.stride); });
  for (long c = 0; c < table.columns; ++c) {
    double* column = out.data + c * out.stride;
    for (long i = rows; i < out.rows; ++i) column[i] = 0;
    const Vector<double> scale = splat(scaling.scale[c]), shift = splat(-scaling.shift[c]);
    for (long i = 0; i < out.rows; i += lanes<double>)
      store(column + i, fma(load(column + i) * table.scale, scale, shift) * load(root + i));
  }
}

void load_rows(const System& system, const Scaling& scaling, long first, long rows, Block out) {
  const RowWeights of(system, first, rows);
  if (system.intercept) {
    __builtin_memcpy(out.data, of.root, static_cast<unsigned long>(out.rows) * sizeof(double));
    out.data += out.stride;
  }
  load_table(system.x, scaling, first, rows, of.root, out);
  out.data += system.x.columns * out.stride;
  const Scaling targets{scaling.scale + system.x.columns, scaling.shift + system.x.columns};
  load_table(system.y, targets, first, rows, of.root, out);
}

}  // namespace tall
}  // namespace
}  // namespace descend::DESCEND_ISA
