// First layers over rows of a sparse table: what is not stored is left out, and the bits are the dense ones.
//
// A zero's product is ±0 and leaves every sum as it is, with two exceptions, in which all zeros are counted:
// a sum that is −0 becomes +0 where the product is +0; and 0 times what is not finite is NaN.
#pragma once

#include "kernels/forward.hpp"

namespace descend::DESCEND_ISA {
namespace {

// What is stored of a row.
template <class T>
struct SparseRow {
  const std::int32_t* column;
  const T* value;
  long count;

  DESCEND_INLINE SparseRow(const Source& source, long row) {
    const long start = source.starts[row];
    column = source.columns + start;
    value = static_cast<const T*>(source.x) + start;
    count = source.starts[row + 1] - start;
  }

  // Its part in the columns [first, last).
  void cut(long first, long last) {
    const long begin = place(first), end = place(last);
    column += begin, value += begin, count = end - begin;
  }

  // How many stored columns come before this one.
  long place(long before) const {
    long low = 0, high = count;
    while (low < high) {
      const long middle = (low + high) / 2;
      if (column[middle] < before)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  // body(column, value) for what is stored, or for every column of [first, last).
  template <class Body>
  DESCEND_INLINE void each(bool all, long first, long last, const Body& body) const {
    if (!all) {
      for (long e = 0; e < count; ++e) body(static_cast<long>(column[e]), value[e]);
      return;
    }
    long e = 0;
    for (long k = first; k < last; ++k) body(k, e < count && column[e] == k ? value[e++] : T(0));
  }
};

template <class T>
DESCEND_INLINE bool is_negative_zero(T x) {
  return x == T(0) && __builtin_signbit(x);
}

// One lane of `fma`.
template <class T>
DESCEND_INLINE T fma_one(T a, T b, T c) {
#if defined(__FMA__) || defined(DESCEND_NEON)
  if constexpr (sizeof(T) == 4)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// V vectors of a row's outputs from `column` on; true where a sum ended as −0.
template <class T, int V>
DESCEND_INLINE bool sparse_outputs(const Dense<T>& layer, const SparseRow<T>& row, bool all, T* z,
                                   long column) {
  const T* weight = layer.weight + column / panel_width * layer.inputs * panel_width + column % panel_width;
  const long panel = layer.inputs * panel_width;
  Vector<T> sum[V] = {};
  if (layer.bias)
    for (int v = 0; v < V; ++v) sum[v] = load(layer.bias + column + v * lanes<T>);
  row.each(all, 0, layer.inputs, [&](long k, T value) {
    const Vector<T> x = splat(value);
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      const long at = v * lanes<T>;
      sum[v] = fma(x, load(weight + at / panel_width * panel + k * panel_width + at % panel_width), sum[v]);
    }
  });
  Mask<T> lost = {};
  for (int v = 0; v < V; ++v) {
    lost |= negative_zero<T>(sum[v]);
    store(z + column + v * lanes<T>, sum[v]);
  }
  return any(lost);
}

template <class T>
bool sparse_wide_row(const Dense<T>& layer, const SparseRow<T>& row, bool all, T* z) {
  constexpr int at_once = 8, a_panel = panel_width / lanes<T>;
  const long end = padded(layer.outputs);
  bool lost = false;
  long column = 0;
  for (; column + at_once * lanes<T> <= end; column += at_once * lanes<T>)
    lost |= sparse_outputs<T, at_once>(layer, row, all, z, column);
  if constexpr (a_panel < at_once)
    for (; column < end; column += panel_width)
      lost |= sparse_outputs<T, a_panel>(layer, row, all, z, column);
  return lost;
}

// As NarrowForward: lane l of a sum takes the inputs k ≡ l mod 16.
template <class T>
bool sparse_narrow_row(const Dense<T>& layer, const SparseRow<T>& row, bool all, T* z) {
  const long stride = padded(layer.inputs);
  bool lost = false;
  for (long c = 0; c < layer.outputs; ++c) {
    const T* weight = layer.weight + c * stride;
    T lane[narrow_width] = {};
    row.each(all, 0, layer.inputs, [&](long k, T value) {
      T& sum = lane[k % narrow_width];
      sum = fma_one(value, weight[k], sum);
    });
    for (T sum : lane) lost |= is_negative_zero(sum);
    z[c] = tree_sum(lane) + (layer.bias ? layer.bias[c] : T(0));
  }
  return lost;
}

template <class T>
void sparse_rows(const Dense<T>& layer, const Source& source, long rows, Matrix<T> z) {
  const auto forward = is_narrow(layer.outputs) ? sparse_narrow_row<T> : sparse_wide_row<T>;
  for (long i = 0; i < rows; ++i) {
    const SparseRow<T> row(source, row_number(source, i));
    T* out = z.data + i * z.stride;
    if (forward(layer, row, source.zeros_count, out) && !source.zeros_count) forward(layer, row, true, out);
  }
}

// Where a first layer reads the table itself.
template <class T>
void dense_table(const Dense<T>& layer, const Source& source, long rows, Matrix<T> z) {
  if (source.starts)
    sparse_rows(layer, source, rows, z);
  else
    dense_rows(layer, source, rows, z);
}

}  // namespace
}  // namespace descend::DESCEND_ISA
