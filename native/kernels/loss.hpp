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
    store(delta_at(delta, outputs, row, column), d);
  }

  // Panels are full of zeros behind the last column.
  DESCEND_INLINE void pad(long column) const {
    for (; column < round_up(outputs, delta_width(outputs)); column += lanes<T>) derive(column, Vector<T>{});
  }
};

// In pairs far apart: the order does not change a maximum.
template <class T>
DESCEND_INLINE T largest_lane(Vector<T> v) {
  T lane[lanes<T>];
  store(lane, v);
  for (long half = lanes<T> / 2; half > 0; half /= 2)
    for (long i = 0; i < half; ++i) lane[i] = lane[i + half] > lane[i] ? lane[i + half] : lane[i];
  return lane[0];
}

template <class T>
DESCEND_INLINE T largest(const T* z, long outputs) {
  Vector<T> most = splat(-Constants<T>::infinity);
  for (long k = 0; k < outputs; k += lanes<T>) {
    const Vector<T> v = select<T>(columns_before<T>(k, outputs), load(z + k), splat(-Constants<T>::infinity));
    most = select<T>(v > most, v, most);
  }
  return largest_lane<T>(most);
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

// Whether `value` stands in a column before `end`.
template <class T>
DESCEND_INLINE bool stands_before(const T* z, long end, T value) {
  Mask<T> equal = {};
  for (long k = 0; k < end; k += lanes<T>) equal |= (load(z + k) == value) & columns_before<T>(k, end);
  std::uint64_t word[sizeof equal / 8], any = 0;
  __builtin_memcpy(word, &equal, sizeof equal);
  for (std::uint64_t part : word) any |= part;
  return any != 0;
}

// Rows whose logarithms are taken together.
constexpr long rows_together = 16;

// Rows in three passes, for what comes first of one row must not wait for what comes last of another.
template <class T>
struct CrossEntropyRows {
  const Loss<T>& loss;
  long label[rows_together];
  T own[rows_together], sum[rows_together], log_sum[rows_together], pulled[rows_together];
  bool right[rows_together];

  DESCEND_INLINE bool smooth() const { return loss.smoothing > 0; }
  DESCEND_INLINE T pull(long i) const {
    return static_cast<T>(1.0 - loss.smoothing) * loss.class_weight[label[i]];
  }
  DESCEND_INLINE T spread() const {
    return static_cast<T>(loss.smoothing / static_cast<double>(loss.outputs));
  }
  DESCEND_INLINE T all(long i) const {
    return smooth() ? pull(i) + spread() * static_cast<T>(loss.class_weight_sum) : pull(i);
  }

  DESCEND_INLINE void exponentiate(long i, T* z, long own_label) {
    const T most = largest(z, loss.outputs);
    label[i] = own_label;
    right[i] = z[own_label] == most && !stands_before(z, own_label, most);
    own[i] = z[own_label] - most;
    sum[i] = exponentials(z, loss.outputs, most, loss.class_weight, smooth() ? &pulled[i] : nullptr);
  }

  DESCEND_INLINE void logarithms() {
    for (long i = 0; i < rows_together; i += lanes<T>) store(log_sum + i, log<T>(load(sum + i)));
  }

  DESCEND_INLINE double value(long i) const {
    const T value = all(i) * log_sum[i] - pull(i) * own[i];
    return static_cast<double>(smooth() ? value - spread() * pulled[i] : value);
  }

  DESCEND_INLINE void derive(long i, const LossRow<T>& row) const {
    long k = 0;
    for (; k < row.outputs; k += lanes<T>) {
      Vector<T> d = all(i) * (load(row.z + k) / sum[i]);
      if (smooth()) d = d - spread() * load(loss.class_weight + k);
      row.derive(k, select<T>(column_is<T>(k, label[i]), d - pull(i), d));
    }
    row.pad(k);
  }
};

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
struct ErrorTerms {
  Vector<T> value, derivative;
};

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
  if (row.outputs == 1) {  // a sum of one column, and the commonest
    const ErrorTerms<T> terms = error_terms(loss, splat(row.z[0]), splat(targets[0]));
    if (row.wanted()) {
      row.derive(0, terms.derivative);
      row.pad(lanes<T>);
    }
    return static_cast<double>(terms.value[0]);
  }
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
    CrossEntropyRows<T> rows{loss, {}, {}, {}, {}, {}, {}};
    for (long i = 0; i < rows_together; ++i) rows.sum[i] = T(1);
    for (long i = 0; i < count; ++i)
      rows.exponentiate(i, z.data + (first + i) * z.stride, loss.labels[row_number(source, first + i)]);
    rows.logarithms();
    for (long i = 0; i < count; ++i) {
      put(first + i, rows.value(i), rows.right[i] ? 1 : 0);
      if (delta.data) rows.derive(i, row(first + i));
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
  const long step = loss.kind == LossKind::cross_entropy ? rows_together : 1;
  for (long i = 0; i < rows; i += step)
    if (loss.kind == LossKind::cross_entropy)
      block.cross_entropy(i, rows - i < step ? rows - i : step);
    else
      block.others(i);
}

// Softmax over a row's classes, the sigmoid or exponential of each column, or z as it is.
template <class T>
void inverse_link(LossKind kind, long rows, long outputs, Matrix<T> z) {
  const bool binary = kind == LossKind::binary_cross_entropy;
  if (!binary && kind != LossKind::cross_entropy && kind != LossKind::poisson) return;
  for (long i = 0; i < rows; ++i) {
    T* row = z.data + i * z.stride;
    if (kind == LossKind::cross_entropy) {
      const T sum = exponentials<T>(row, outputs, largest(row, outputs), nullptr, nullptr);
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
