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

// z − most, with zeros behind the last column.
template <class T>
DESCEND_INLINE Vector<T> shifted(const T* z, long column, long outputs, T most) {
  return select<T>(columns_before<T>(column, outputs), load(z + column) - most, Vector<T>{});
}

// z becomes exp(z − most), with zeros behind the last column.
template <class T>
DESCEND_INLINE void exponentials(T* z, long outputs, T most) {
  for (long k = 0; k < outputs; k += lanes<T>)
    store(z + k, select<T>(columns_before<T>(k, outputs), exp<T>(shifted(z, k, outputs, most)), Vector<T>{}));
}

// The sum of term(column) over a row's vectors.
template <class T, class Term>
DESCEND_INLINE T row_sum(long outputs, const Term& term) {
  LaneSums<T> sum;
  for (long k = 0; k < outputs;)
    for (long part = 0; part < lane_vectors<T> && k < outputs; ++part, k += lanes<T>)
      sum.part[part] = term(k, sum.part[part]);
  return sum.total();
}

template <class T>
DESCEND_INLINE T sum_of(const T* e, long outputs) {
  return row_sum<T>(outputs, [&](long k, Vector<T> sum) { return sum + load(e + k); });
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

// Rows in several passes, for what comes first of one row must not wait for what comes last of another.
template <class T>
struct CrossEntropyRows {
  const Loss<T>& loss;
  long label[rows_together];
  T most[rows_together], own[rows_together], sum[rows_together], log_sum[rows_together],
      pulled[rows_together];
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

  DESCEND_INLINE void shift(long i, const T* z, long own_label) {
    most[i] = largest(z, loss.outputs);
    label[i] = own_label;
    right[i] = z[own_label] == most[i] && !stands_before(z, own_label, most[i]);
    own[i] = z[own_label] - most[i];
    if (smooth())
      pulled[i] = row_sum<T>(loss.outputs, [&](long k, Vector<T> sum) {
        return fma(load(loss.class_weight + k), shifted(z, k, loss.outputs, most[i]), sum);
      });
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
