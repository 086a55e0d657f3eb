// Losses: every row's loss and the derivative by the last layer's z. Formulas: networks/losses.py.
#pragma once

#include "kernels/forward.hpp"

namespace descend::DESCEND_ISA {
namespace {

// Columns first … of a row that ends at `end` without padding; zeros behind it.
template <class T>
DESCEND_INLINE Vector<T> load_before(const T* row, long first, long end) {
  if (first + lanes<T> <= end) return load(row + first);
  T part[lanes<T>] = {};
  for (long lane = 0; first + lane < end; ++lane) part[lane] = row[first + lane];
  return load(part);
}

template <class T>
DESCEND_INLINE Mask<T> column_is(long first, long column) {
  return columns_before<T>(first, column + 1) & ~columns_before<T>(first, column);
}

// One row of the loss: where its derivative goes, if anywhere.
template <class T>
struct LossRow {
  T* z;
  long outputs;
  T coefficient;  // weight of the row / total
  const T* slope;
  Delta<T> delta;
  long row;

  DESCEND_INLINE bool wanted() const { return delta.data != nullptr; }

  DESCEND_INLINE void derive(long column, Vector<T> derivative) const {
    Vector<T> d = derivative * coefficient;
    if (slope) d = d * load(slope + column);
    d = select<T>(columns_before<T>(column, outputs), d, Vector<T>{});
    const long width = delta_width(outputs);
    store(delta.data + column / width * delta.panel_stride + row * width + column % width, d);
  }

  // Panels are full of zeros behind the last column.
  DESCEND_INLINE void pad(long column) const {
    for (; column < round_up(outputs, delta_width(outputs)); column += lanes<T>) derive(column, Vector<T>{});
  }
};

template <class T>
DESCEND_INLINE T largest(const T* z, long outputs) {
  Vector<T> most = splat(-Constants<T>::infinity);
  for (long k = 0; k < outputs; k += lanes<T>) {
    const Vector<T> v = select<T>(columns_before<T>(k, outputs), load(z + k), splat(-Constants<T>::infinity));
    most = select<T>(v > most, v, most);
  }
  T result = most[0];
  for (long lane = 1; lane < lanes<T>; ++lane) result = most[lane] > result ? most[lane] : result;
  return result;
}

// z becomes exp(z − most); gives their sum, and in `pulled` the sum of class_weight · (z − most).
template <class T>
DESCEND_INLINE T exponentials(T* z, long outputs, T most, const T* class_weight, T* pulled) {
  LaneSums<T> sum, weighted;
  for (long k = 0; k < outputs; k += lanes<T>) {
    const Mask<T> real = columns_before<T>(k, outputs);
    const Vector<T> shifted = select<T>(real, load(z + k) - most, Vector<T>{});
    const Vector<T> e = select<T>(real, exp<T>(shifted), Vector<T>{});
    const long part = k / lanes<T> % lane_vectors<T>;
    sum.part[part] = sum.part[part] + e;
    if (pulled) weighted.part[part] = fma(load(class_weight + k), shifted, weighted.part[part]);
    store(z + k, e);
  }
  if (pulled) *pulled = weighted.total();
  return sum.total();
}

template <class T>
DESCEND_INLINE long first_equal(const T* z, long outputs, T value) {
  for (long c = 0; c < outputs; ++c)
    if (z[c] == value) return c;
  return -1;
}

template <class T>
DESCEND_INLINE double cross_entropy(const Loss<T>& loss, const LossRow<T>& row, long label, bool& right) {
  const T most = largest(row.z, row.outputs);
  right = first_equal(row.z, row.outputs, most) == label;
  const T own = row.z[label] - most;
  const T pull = static_cast<T>(1.0 - loss.smoothing) * loss.class_weight[label];
  const T spread = static_cast<T>(loss.smoothing / static_cast<double>(row.outputs));
  T pulled = T(0);
  const bool smooth = loss.smoothing > 0;
  const T sum = exponentials(row.z, row.outputs, most, loss.class_weight, smooth ? &pulled : nullptr);
  const T all = smooth ? pull + spread * static_cast<T>(loss.class_weight_sum) : pull;
  const T log_sum = log<T>(splat(sum))[0];
  T value = all * log_sum - pull * own;
  if (smooth) value = value - spread * pulled;
  if (row.wanted()) {
    long k = 0;
    for (; k < row.outputs; k += lanes<T>) {
      Vector<T> d = all * (load(row.z + k) / sum);
      if (smooth) d = d - spread * load(loss.class_weight + k);
      row.derive(k, select<T>(column_is<T>(k, label), d - pull, d));
    }
    row.pad(k);
  }
  return static_cast<double>(value);
}

template <class T>
DESCEND_INLINE double binary_cross_entropy(const Loss<T>& loss, const LossRow<T>& row, const T* targets,
                                           double& right) {
  LaneSums<T> sum;
  long hits = 0, k = 0;
  for (; k < row.outputs; k += lanes<T>) {
    const Vector<T> z = load(row.z + k), y = load_before(targets, k, row.outputs);
    const Mask<T> real = columns_before<T>(k, row.outputs);
    const Mask<T> positive = y > T(0.5);
    const Vector<T> share = select<T>(positive, splat(loss.class_weight[1]), splat(loss.class_weight[0]));
    const Vector<T> q = static_cast<T>(1.0 - loss.smoothing) * y + static_cast<T>(loss.smoothing / 2);
    const Vector<T> capped = select<T>(z <= T(0), Vector<T>{}, z);
    const Vector<T> value = (capped - q * z) + log1p<T>(exp<T>(-absolute<T>(z)));
    const long part = k / lanes<T> % lane_vectors<T>;
    sum.part[part] = sum.part[part] + select<T>(real, share * value, Vector<T>{});
    const Mask<T> hit = ((z > T(0)) == positive) & real;
    for (long lane = 0; lane < lanes<T>; ++lane) hits -= hit[lane];
    if (row.wanted()) row.derive(k, share * (sigmoid<T>(z) - q));
  }
  if (row.wanted()) row.pad(k);
  right = static_cast<double>(hits) / static_cast<double>(row.outputs);
  return static_cast<double>(sum.total()) / static_cast<double>(row.outputs);
}

template <class T>
DESCEND_INLINE double regression(const Loss<T>& loss, const LossRow<T>& row, const T* targets) {
  LaneSums<T> sum;
  const T delta = static_cast<T>(loss.delta);
  long k = 0;
  for (; k < row.outputs; k += lanes<T>) {
    const Vector<T> r = load(row.z + k) - load_before(targets, k, row.outputs);
    const Vector<T> size = absolute<T>(r);
    Vector<T> value = T(0.5) * r * r, d = r;
    if (loss.kind == LossKind::absolute_error) {
      value = size;
      d = select<T>(size > T(0), with_sign_of<T>(splat(T(1)), r), r);
    } else if (loss.kind == LossKind::huber) {
      const Mask<T> outside = size > delta;
      value = select<T>(outside, delta * (size - T(0.5) * delta), value);
      d = select<T>(outside, with_sign_of<T>(splat(delta), r), r);
    }
    const long part = k / lanes<T> % lane_vectors<T>;
    const Mask<T> real = columns_before<T>(k, row.outputs);
    sum.part[part] = sum.part[part] + select<T>(real, value, Vector<T>{});
    if (row.wanted()) row.derive(k, d);
  }
  if (row.wanted()) row.pad(k);
  return static_cast<double>(sum.total()) / static_cast<double>(row.outputs);
}

template <class T>
void loss(const Loss<T>& loss, const Source& source, long rows, Matrix<T> z, double total,
          Matrix<const T> slope, Delta<T> delta, RowLoss out) {
  for (long i = 0; i < rows; ++i) {
    const long number = row_number(source, i);
    const double weight = loss.weight ? static_cast<double>(loss.weight[number]) : 1.0;
    const T coefficient = total > 0 ? static_cast<T>(weight / total) : T(0);
    const LossRow<T> row{z.data + i * z.stride,
                         loss.outputs,
                         coefficient,
                         slope.data ? slope.data + i * slope.stride : nullptr,
                         delta,
                         i};
    double value = 0, right = 0;
    if (loss.kind == LossKind::cross_entropy) {
      bool hit = false;
      value = cross_entropy(loss, row, loss.labels[number], hit);
      right = hit ? 1 : 0;
    } else if (loss.kind == LossKind::binary_cross_entropy) {
      value = binary_cross_entropy(loss, row, loss.targets + number * loss.outputs, right);
    } else {
      value = regression(loss, row, loss.targets + number * loss.outputs);
    }
    out.loss[i] = weight * value;
    out.correct[i] = weight * right;
  }
}

// Softmax over a row's classes, or the sigmoid of each column.
template <class T>
void probabilities(LossKind kind, long rows, long outputs, Matrix<T> z) {
  for (long i = 0; i < rows; ++i) {
    T* row = z.data + i * z.stride;
    if (kind == LossKind::cross_entropy) {
      const T sum = exponentials<T>(row, outputs, largest(row, outputs), nullptr, nullptr);
      for (long k = 0; k < outputs; k += lanes<T>) store(row + k, load(row + k) / sum);
    } else {
      for (long k = 0; k < outputs; k += lanes<T>) store(row + k, sigmoid<T>(load(row + k)));
    }
  }
}

}  // namespace
}  // namespace descend::DESCEND_ISA
