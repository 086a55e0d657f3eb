// First layers over rows of a sparse table: what is not stored is left out, and the bits are the dense ones.
//
// A zero's product is ±0 and leaves every sum as it is, with two exceptions, in which all zeros are counted:
// a sum that is −0 becomes +0 where the product is +0; and 0 times what is not finite is NaN.
#pragma once

#include "kernels/clip.hpp"
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
DESCEND_INLINE Mask<T> negative_zero(Vector<T> v) {
  return (Mask<T>)v == (Mask<T>)splat(-T(0));
}

template <class T>
DESCEND_INLINE Mask<T> not_finite(Vector<T> v) {
  return v - v != Vector<T>{};
}

template <class M>
DESCEND_INLINE bool any(const M& mask) {
  std::uint64_t word[sizeof mask / 8], found = 0;
  __builtin_memcpy(word, &mask, sizeof mask);
  for (std::uint64_t part : word) found |= part;
  return found != 0;
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

// Numbers `stride` apart as neighbours, and back.
template <class T>
DESCEND_INLINE void gather(const T* from, long stride, long count, T (&to)[narrow_width]) {
  for (long c = 0; c < count; ++c) to[c] = from[c * stride];
}

template <class T>
DESCEND_INLINE void scatter(const T (&from)[narrow_width], long stride, long count, T* to) {
  for (long c = 0; c < count; ++c) to[c * stride] = from[c];
}

// As NarrowForward: lane l of a sum takes the inputs k ≡ l mod 16; here the outputs lie side by side.
template <class T>
bool sparse_narrow_row(const Dense<T>& layer, const SparseRow<T>& row, bool all, T* z) {
  const long stride = padded(layer.inputs);
  T sum[narrow_width][narrow_width] = {};  // [lane][output]
  T weight[narrow_width] = {};
  row.each(all, 0, layer.inputs, [&](long k, T value) {
    const Vector<T> x = splat(value);
    T* own = sum[k % narrow_width];
    gather(layer.weight + k, stride, layer.outputs, weight);
    for (long v = 0; v < layer.outputs; v += lanes<T>)
      store(own + v, fma(x, load(weight + v), load(own + v)));
  });
  Mask<T> lost = {};
  for (auto& lane : sum)
    for (long v = 0; v < narrow_width; v += lanes<T>) lost |= negative_zero<T>(load(lane + v));
  for (long c = 0; c < layer.outputs; ++c) {
    T lane[narrow_width];
    for (long l = 0; l < narrow_width; ++l) lane[l] = sum[l][c];
    z[c] = tree_sum(lane) + (layer.bias ? layer.bias[c] : T(0));
  }
  return any(lost);
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

// Weights [first, last) × one panel (wide) or all outputs (narrow) of a layer that reads a sparse table.
// Their sums are made in the stored gradient, which is all zeros before a step and, where the step updates,
// behind it.
template <class T>
struct SparseWeights {
  const Backward<T>& b;
  long panel, first, last;
  bool narrow = is_narrow(b.outputs);
  long width = delta_width(b.outputs);
  long columns = narrow ? b.outputs : panel_width;

  long offset(long k) const { return narrow ? k : (panel * b.inputs + k) * panel_width; }
  // Distance of neighbouring outputs.
  long step() const { return narrow ? padded(b.inputs) : 1; }

  // Adds x · delta to the sums of input k; true where one became −0.
  DESCEND_INLINE bool add(long k, T x, const T* delta) const {
    T* to = b.weight.gradient + offset(k);
    Mask<T> lost = {};
    if (!narrow) {
      for (long v = 0; v < panel_width; v += lanes<T>) {
        const Vector<T> sum = fma(splat(x), load(delta + v), load(to + v));
        lost |= negative_zero<T>(sum);
        store(to + v, sum);
      }
      return any(lost);
    }
    T sums[narrow_width] = {};
    gather(to, step(), columns, sums);
    for (long v = 0; v < columns; v += lanes<T>) {
      const Vector<T> sum = fma(splat(x), load(delta + v), load(sums + v));
      lost |= negative_zero<T>(sum) & columns_before<T>(v, columns);
      store(sums + v, sum);
    }
    scatter(sums, step(), columns, to);
    return any(lost);
  }

  // Whether the zeros must be counted from the block's first row on.
  bool zeros_count(const T* delta) const {
    Mask<T> found = {};
    for (long at = 0; at < b.rows * width; at += lanes<T>) found |= not_finite<T>(load(delta + at));
    if (any(found)) return true;
    for (long k = first; b.continued && k < last; ++k)
      for (long c = 0; c < columns; ++c) {
        const T sum = b.weight.gradient[offset(k) + c * step()];
        if (sum == T(0) && __builtin_signbit(sum)) return true;
      }
    return false;
  }

  // True where zeros were counted.
  bool sum_up() const {
    const T* delta = b.delta.data + panel * b.delta.panel_stride;
    bool all = zeros_count(delta);
    for (long i = 0; i < b.rows; ++i, delta += width) {
      SparseRow<T> row(*b.source, row_number(*b.source, i));
      row.cut(first, last);
      bool lost = false;
      row.each(all, first, last, [&](long k, T x) { lost |= add(k, x, delta); });
      all |= lost;
    }
    return all;
  }

  // Plain steps leave a weight without a gradient as it is: only those of stored columns are made. A column
  // that comes twice has no gradient left the second time.
  void update_stored_columns() const {
    Mask<T> found = {};
    for (long i = 0; i < b.rows; ++i) {
      SparseRow<T> row(*b.source, row_number(*b.source, i));
      row.cut(first, last);
      for (long e = 0; e < row.count; ++e) found |= step_of(row.column[e]);
    }
    report(any(found));
  }

  // A plain step of input k's weights; gives which are not finite now.
  DESCEND_INLINE Mask<T> step_of(long k) const {
    T *weight = b.weight.value + offset(k), *gradient = b.weight.gradient + offset(k);
    T weights[panel_width] = {}, gradients[panel_width] = {};
    for (long c = 0; c < columns; ++c) {
      weights[c] = weight[c * step()];
      gradients[c] = gradient[c * step()];
    }
    Mask<T> found = {};
    for (long v = 0; v < columns; v += lanes<T>) {
      plain_step(b.weight_update, weights + v, load(gradients + v));
      found |= not_finite<T>(load(weights + v));
    }
    for (long c = 0; c < columns; ++c) {
      weight[c * step()] = weights[c];
      gradient[c * step()] = T(0);
    }
    return found;
  }

  void update_all(T scale) const {
    const long rows = narrow ? b.outputs : last - first, stride = narrow ? padded(b.inputs) : panel_width;
    const long across = narrow ? last - first : panel_width;
    const long valid = narrow ? across : b.outputs - panel * panel_width;
    const Parameter<T> at = moved(b.weight, offset(first));
    update_stored(b.weight_update, at, rows, stride, across, valid, scale);
    Mask<T> found = {};
    for (long r = 0; r < rows; ++r)
      for (long v = 0; v < across; v += lanes<T>) {
        found |= not_finite<T>(load(at.value + r * stride + v)) & columns_before<T>(v, across);
        store(at.gradient + r * stride + v, Vector<T>{});
      }
    report(any(found));
  }

  void report(bool overflowed) const {
    if (overflowed) __atomic_store_n(b.overflowed, true, __ATOMIC_RELAXED);
  }
};

template <class T>
void learn_sparse(const Backward<T>& b, long panel, long first, long last) {
  if (first == 0 && b.bias.value) learn_bias(b, panel);
  const SparseWeights<T> weights{b, panel, first, last};
  const bool all = weights.sum_up();
  if (b.unfinished || b.weight_update.store_only) return;
  if (all || b.continued || !b.weight_update.plain || b.weight_update.decay != T(0))
    weights.update_all(T(1));
  else
    weights.update_stored_columns();
}

template <class T>
bool reads_sparse(const Backward<T>& b) {
  return b.source && b.source->starts;
}

template <class T>
void learn_table(const Backward<T>& b, long panel, long first, long last) {
  if (reads_sparse(b))
    learn_sparse(b, panel, first, last);
  else
    learn(b, panel, first, last);
}

template <class T>
void apply_table(const Backward<T>& b, long panel, long first, long last, T scale) {
  if (!reads_sparse(b)) return apply(b, panel, first, last, scale);
  if (first == 0 && b.bias.value) apply_bias(b, panel, scale);
  SparseWeights<T>{b, panel, first, last}.update_all(scale);
}

}  // namespace
}  // namespace descend::DESCEND_ISA
