// Gradients and updates of a first layer that reads a sparse table.
#pragma once

#include "kernels/clip.hpp"
#include "kernels/sparse_rows.hpp"

namespace descend::DESCEND_ISA {
namespace {

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
    if (narrow) return add_one_by_one(to, x, delta);
    Mask<T> lost = {};
    for (long v = 0; v < panel_width; v += lanes<T>) {
      const Vector<T> sum = fma(splat(x), load(delta + v), load(to + v));
      lost |= negative_zero<T>(sum);
      store(to + v, sum);
    }
    return any(lost);
  }

  DESCEND_INLINE bool add_one_by_one(T* to, T x, const T* delta) const {
    bool lost = false;
    for (long c = 0; c < columns; ++c, to += step()) {
      const T sum = fma_one(x, delta[c], *to);
      lost |= is_negative_zero(sum);
      *to = sum;
    }
    return lost;
  }

  // Whether the zeros must be counted from the block's first row on.
  bool zeros_count(const T* delta) const {
    Mask<T> found = {};
    for (long at = 0; at < b.rows * width; at += lanes<T>) found |= not_finite<T>(load(delta + at));
    if (any(found)) return true;
    for (long k = first; b.continued && k < last; ++k)
      for (long c = 0; c < columns; ++c)
        if (is_negative_zero(b.weight.gradient[offset(k) + c * step()])) return true;
    return false;
  }

  // What was found on the way: whether zeros were counted, and how many values are stored.
  struct Found {
    bool all;
    long stored;
  };

  Found sum_up() const {
    const T* delta = b.delta.data + panel * b.delta.panel_stride;
    bool all = zeros_count(delta);
    long stored = 0;
    for (long i = 0; i < b.rows; ++i, delta += width) {
      SparseRow<T> row(*b.source, row_number(*b.source, i));
      row.cut(first, last);
      stored += row.count;
      bool lost = false;
      row.each(all, first, last, [&](long k, T x) { lost |= add(k, x, delta); });
      all |= lost;
    }
    return {all, stored};
  }

  // Plain steps leave a weight without a gradient as it is: only those of stored columns are made. A column
  // that comes twice has no gradient left the second time.
  void update_stored_columns() const {
    bool found = false;
    for (long i = 0; i < b.rows; ++i) {
      SparseRow<T> row(*b.source, row_number(*b.source, i));
      row.cut(first, last);
      for (long e = 0; e < row.count; ++e) found |= step_of(row.column[e]);
    }
    report(found);
  }

  // A plain step of input k's weights; gives whether one is not finite now.
  DESCEND_INLINE bool step_of(long k) const {
    T *weight = b.weight.value + offset(k), *gradient = b.weight.gradient + offset(k);
    if (narrow) {
      bool found = false;
      for (long c = 0; c < columns; ++c, weight += step(), gradient += step()) {
        const T g = *gradient + b.weight_update.decay * *weight;  // as plain_step
        *weight = *weight - b.weight_update.rate * g;
        *gradient = T(0);
        found |= !(*weight - *weight == T(0));
      }
      return found;
    }
    Mask<T> found = {};
    for (long v = 0; v < panel_width; v += lanes<T>) {
      plain_step(b.weight_update, weight + v, load(gradient + v));
      store(gradient + v, Vector<T>{});
      found |= not_finite<T>(load(weight + v));
    }
    return any(found);
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
  const auto [all, stored] = weights.sum_up();
  if (b.unfinished || b.weight_update.store_only) return;
  // Many stored values name most columns, and some of them often.
  const bool few = stored < (last - first) / 2 && !b.continued;
  if (!all && few && b.weight_update.plain && b.weight_update.decay == T(0))
    weights.update_stored_columns();
  else
    weights.update_all(T(1));
}

template <class T>
bool reads_sparse(const Backward<T>& b) {
  return b.source && b.source->starts;
}

template <class T>
void learn_table(const Backward<T>& b, long panel, long last_panel, long first, long last) {
  if (!reads_sparse(b)) return learn(b, panel, last_panel, first, last);
  for (; panel < last_panel; ++panel) learn_sparse(b, panel, first, last);
}

template <class T>
void apply_table(const Backward<T>& b, long panel, long first, long last, T scale) {
  if (!reads_sparse(b)) return apply(b, panel, first, last, scale);
  if (first == 0 && b.bias.value) apply_bias(b, panel, scale);
  SparseWeights<T>{b, panel, first, last}.update_all(scale);
}

}  // namespace
}  // namespace descend::DESCEND_ISA
