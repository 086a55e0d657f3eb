// One row of a loss: its columns, and where its derivative goes.
#pragma once

#include "kernels/rows.hpp"

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

}  // namespace
}  // namespace descend::DESCEND_ISA
