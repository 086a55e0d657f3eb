// The softmax of a row and its cross-entropy.
#pragma once

#include "kernels/loss_row.hpp"
#include "kernels/math.hpp"

namespace descend::DESCEND_ISA {
namespace {

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

}  // namespace
}  // namespace descend::DESCEND_ISA
