// Losses: every row's loss and the derivative by the last layer's z. Formulas: networks/losses.py.
#pragma once

#include "kernels/cross_entropy.hpp"
#include "kernels/forward.hpp"

namespace descend::DESCEND_ISA {
namespace {

template <class T>
struct ErrorTerms {
  Vector<T> value, derivative;
};

template <class T>
DESCEND_INLINE ErrorTerms<T> binary_terms(const Loss<T>& loss, Vector<T> z, Vector<T> y) {
  const Mask<T> positive = y > T(0.5);
  const Vector<T> share = select<T>(positive, splat(loss.class_weight[1]), splat(loss.class_weight[0]));
  const Vector<T> q = static_cast<T>(1.0 - loss.smoothing) * y + static_cast<T>(loss.smoothing / 2);
  const Vector<T> capped = select<T>(z <= T(0), Vector<T>{}, z);
  const Vector<T> value = (capped - q * z) + log1p<T>(exp<T>(-absolute<T>(z)));
  return {share * value, share * (sigmoid<T>(z) - q)};
}

template <class T>
DESCEND_INLINE Mask<T> is_right(Vector<T> z, Vector<T> y) {
  return (z > T(0)) == (y > T(0.5));
}

template <class T>
DESCEND_INLINE double binary_cross_entropy(const Loss<T>& loss, const LossRow<T>& row, const T* targets,
                                           double& right) {
  LaneSums<T> sum;
  long hits = 0, k = 0;
  for (; k < row.outputs; k += lanes<T>) {
    const Vector<T> z = load(row.z + k), y = load_before(targets, k, row.outputs);
    const Mask<T> real = columns_before<T>(k, row.outputs);
    const ErrorTerms<T> terms = binary_terms(loss, z, y);
    const long part = k / lanes<T> % lane_vectors<T>;
    sum.part[part] = sum.part[part] + select<T>(real, terms.value, Vector<T>{});
    const Mask<T> hit = is_right<T>(z, y) & real;
    for (long lane = 0; lane < lanes<T>; ++lane) hits -= hit[lane];
    if (row.wanted()) row.derive(k, terms.derivative);
  }
  if (row.wanted()) row.pad(k);
  right = static_cast<double>(hits) / static_cast<double>(row.outputs);
  return static_cast<double>(sum.total()) / static_cast<double>(row.outputs);
}

template <class T>
DESCEND_INLINE ErrorTerms<T> quantile_terms(T level, Vector<T> r) {
  const T above = T(1) - level;
  return {select<T>(r > T(0), above * r, -level * r),
          select<T>(r > T(0), splat(above), select<T>(r < T(0), splat(-level), r))};
}

template <class T>
DESCEND_INLINE ErrorTerms<T> error_terms(const Loss<T>& loss, Vector<T> z, Vector<T> y) {
  if (loss.kind == LossKind::poisson) {
    const Vector<T> expected = exp<T>(z);
    return {expected - y * z, expected - y};
  }
  const Vector<T> r = z - y;
  if (loss.kind == LossKind::quantile) return quantile_terms(static_cast<T>(loss.parameter), r);
  const Vector<T> size = absolute<T>(r);
  if (loss.kind == LossKind::absolute_error)
    return {size, select<T>(size > T(0), with_sign_of<T>(splat(T(1)), r), r)};
  const Vector<T> square = T(0.5) * r * r;
  if (loss.kind == LossKind::squared_error) return {square, r};
  const T delta = static_cast<T>(loss.parameter);
  const Mask<T> outside = size > delta;
  return {select<T>(outside, delta * (size - T(0.5) * delta), square),
          select<T>(outside, with_sign_of<T>(splat(delta), r), r)};
}

template <class T>
DESCEND_INLINE double regression(const Loss<T>& loss, const LossRow<T>& row, const T* targets) {
  LaneSums<T> sum;
  long k = 0;
  for (; k < row.outputs; k += lanes<T>) {
    const ErrorTerms<T> terms = error_terms(loss, load(row.z + k), load_before(targets, k, row.outputs));
    const long part = k / lanes<T> % lane_vectors<T>;
    const Mask<T> real = columns_before<T>(k, row.outputs);
    sum.part[part] = sum.part[part] + select<T>(real, terms.value, Vector<T>{});
    if (row.wanted()) row.derive(k, terms.derivative);
  }
  if (row.wanted()) row.pad(k);
  return static_cast<double>(sum.total()) / static_cast<double>(row.outputs);
}

// What a call of the loss works on.
template <class T>
struct LossBlock {
  const Loss<T>& loss;
  const Source& source;
  Matrix<T> z;
  double total;
  Matrix<const T> slope;
  Delta<T> delta;
  RowLoss out;
  T equal_share;  // of a row in the mean, where all weigh 1; 0 without a total

  DESCEND_INLINE double weight(long i) const {
    return loss.weight ? static_cast<double>(loss.weight[row_number(source, i)]) : 1.0;
  }
  DESCEND_INLINE LossRow<T> row(long i) const {
    return {z.data + i * z.stride,
            loss.outputs,
            loss.weight && total > 0 ? static_cast<T>(weight(i) / total) : equal_share,
            slope.data ? slope.data + i * slope.stride : nullptr,
            delta,
            i};
  }
  DESCEND_INLINE void put(long i, double value, double right) const {
    out.loss[i] = weight(i) * value;
    out.correct[i] = weight(i) * right;
  }

  void cross_entropy(long first, long count) const {
    CrossEntropyRows<T> rows{loss, {}, {}, {}, {}, {}, {}, {}};
    for (long i = 0; i < rows_together; ++i) rows.sum[i] = T(1);
    T* const from = z.data + first * z.stride;
    for (long i = 0; i < count; ++i)
      rows.shift(i, from + i * z.stride, loss.labels[row_number(source, first + i)]);
    for (long i = 0; i < count; ++i) exponentials(from + i * z.stride, loss.outputs, rows.most[i]);
    for (long i = 0; i < count; ++i) rows.sum[i] = sum_of(from + i * z.stride, loss.outputs);
    rows.logarithms();
    for (long i = 0; i < count; ++i) {
      put(first + i, rows.value(i), rows.right[i] ? 1 : 0);
      if (delta.data) rows.derive(i, row(first + i));
    }
  }

  // Rows of a single output, the commonest of these: a lane each.
  void column(long first, long count) const {
    T own[lanes<T>] = {}, target[lanes<T>] = {}, value[lanes<T>], derivative[lanes<T>];
    for (long i = 0; i < count; ++i) {
      own[i] = z.data[(first + i) * z.stride];
      target[i] = loss.targets[row_number(source, first + i)];
    }
    const Vector<T> zs = load(own), ys = load(target);
    const bool binary = loss.kind == LossKind::binary_cross_entropy;
    const ErrorTerms<T> terms = binary ? binary_terms(loss, zs, ys) : error_terms(loss, zs, ys);
    store(value, terms.value);
    store(derivative, terms.derivative);
    const Mask<T> right = is_right<T>(zs, ys);
    for (long i = 0; i < count; ++i) {
      put(first + i, static_cast<double>(value[i]), binary && right[i] ? 1 : 0);
      if (!delta.data) continue;
      const LossRow<T> own_row = row(first + i);
      own_row.derive(0, splat(derivative[i]));
      own_row.pad(lanes<T>);
    }
  }

  void others(long i) const {
    const T* targets = loss.targets + row_number(source, i) * loss.outputs;
    double right = 0;
    const double value = loss.kind == LossKind::binary_cross_entropy
                             ? binary_cross_entropy(loss, row(i), targets, right)
                             : regression(loss, row(i), targets);
    put(i, value, right);
  }
};

template <class T>
void loss(const Loss<T>& loss, const Source& source, long rows, Matrix<T> z, double total,
          Matrix<const T> slope, Delta<T> delta, RowLoss out) {
  const T equal_share = total > 0 ? static_cast<T>(1.0 / total) : T(0);
  const LossBlock<T> block{loss, source, z, total, slope, delta, out, equal_share};
  const bool classes = loss.kind == LossKind::cross_entropy, single = loss.outputs == 1;
  const long step = classes ? rows_together : single ? lanes<T> : 1;
  for (long i = 0; i < rows; i += step) {
    const long count = rows - i < step ? rows - i : step;
    if (classes)
      block.cross_entropy(i, count);
    else if (single)
      block.column(i, count);
    else
      block.others(i);
  }
}

// Softmax over a row's classes, the sigmoid or exponential of each column, or z as it is.
template <class T>
void inverse_link(LossKind kind, long rows, long outputs, Matrix<T> z) {
  const bool binary = kind == LossKind::binary_cross_entropy;
  if (!binary && kind != LossKind::cross_entropy && kind != LossKind::poisson) return;
  for (long i = 0; i < rows; ++i) {
    T* row = z.data + i * z.stride;
    if (kind == LossKind::cross_entropy) {
      exponentials(row, outputs, largest(row, outputs));
      const T sum = sum_of(row, outputs);
      for (long k = 0; k < outputs; k += lanes<T>) store(row + k, load(row + k) / sum);
    } else {
      for (long k = 0; k < outputs; k += lanes<T>) {
        const Vector<T> value = load(row + k);
        store(row + k, binary ? sigmoid<T>(value) : exp<T>(value));
      }
    }
  }
}

}  // namespace
}  // namespace descend::DESCEND_ISA
