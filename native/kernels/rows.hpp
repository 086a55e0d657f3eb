// Rows as the first layer finds them: in the table, by number, as bytes or floats.
#pragma once

#include "kernels/lane_sums.hpp"

namespace descend::DESCEND_ISA {
namespace {

inline long row_number(const Source& source, long i) {
  return source.numbers ? static_cast<long>(source.numbers[i]) : source.first + i;
}

// Rows of a shuffled table lie anywhere in memory: while row i is read, ask for one of the next block.
DESCEND_INLINE void prefetch_row(const Source& source, long i, long value_bytes) {
  if (i >= source.rows_ahead || source.starts) return;
  const long bytes = source.width * value_bytes;
  const char* row = static_cast<const char*>(source.x) + static_cast<long>(source.ahead[i]) * bytes;
  for (long line = 0; line < bytes; line += 64) __builtin_prefetch(row + line);
}

// Where a delta of a layer of so many outputs lies.
template <class T>
DESCEND_INLINE T* delta_at(Delta<T> delta, long outputs, long row, long column) {
  if (is_narrow(outputs)) return delta.data + row * narrow_width + column;
  return delta.data + column / panel_width * delta.panel_stride + row * panel_width + column % panel_width;
}

template <class T, class X>
DESCEND_INLINE Vector<T> load_values(const X* from) {
  if constexpr (sizeof(X) == sizeof(T))
    return load(from);
  else
    return widened<T>(from);
}

// Rows of a block: `inputs` columns and zeros up to a multiple of 32.
template <class T>
struct BlockRows {
  using Value = T;
  const T* x;
  long stride, inputs;

  DESCEND_INLINE const T* row(long i) const { return x + i * stride; }
  DESCEND_INLINE void prefetch(long) const {}
  // Columns that can be read sixteen at a time.
  DESCEND_INLINE long whole() const { return round_up(inputs, narrow_width); }
  DESCEND_INLINE Vector<T> last(const T* row, long column) const { return load(row + column); }
  DESCEND_INLINE T scale() const { return T(1); }
};

// Rows of the table itself; bytes count as whole numbers here, their scale is for the sums.
template <class T, class X>
struct TableRows {
  using Value = X;
  const Source& source;
  const X* x;
  const X* end;

  DESCEND_INLINE explicit TableRows(const Source& from)
      : source(from), x(static_cast<const X*>(from.x)), end(x + from.rows * from.width) {}

  DESCEND_INLINE const X* row(long i) const { return x + row_number(source, i) * source.width; }
  DESCEND_INLINE void prefetch(long i) const { prefetch_row(source, i, sizeof(X)); }
  DESCEND_INLINE long whole() const { return source.width / narrow_width * narrow_width; }
  // Columns from `column` on, zeros behind the row's last.
  DESCEND_INLINE Vector<T> last(const X* row, long column) const {
    const long left = source.width - column;
    if (row + column + lanes<T> <= end)
      return select<T>(columns_before<T>(0, left), load_values<T>(row + column), Vector<T>{});
    T values[lanes<T>] = {};
    for (long lane = 0; lane < lanes<T> && lane < left; ++lane)
      values[lane] = static_cast<T>(row[column + lane]);
    return load(values);
  }
  DESCEND_INLINE T scale() const {
    if constexpr (sizeof(X) == sizeof(T))
      return T(1);
    else
      return static_cast<T>(source.scale);
  }
};

// Calls body with the rows of a source as they are stored.
template <class T, class Body>
DESCEND_INLINE void with_rows(const Source& source, const Body& body) {
  if (source.bytes)
    body(TableRows<T, std::uint8_t>(source));
  else
    body(TableRows<T, T>(source));
}

template <class T>
DESCEND_INLINE void scatter_row(const Source& source, long row, T* to) {
  for (long k = 0; k < padded(source.width); ++k) to[k] = T(0);
  const T* values = static_cast<const T*>(source.x);
  for (long e = source.starts[row]; e < source.starts[row + 1]; ++e) to[source.columns[e]] = values[e];
}

// A gathered copy of rows, scaled, for layers that read each of them many times.
template <class T>
void read_rows(const Source& source, long rows, Matrix<T> out) {
  const long width = source.width, end = padded(width);
  const T scale = static_cast<T>(source.scale);
  for (long i = 0; i < rows; ++i) {
    prefetch_row(source, i, source.bytes ? 1 : static_cast<long>(sizeof(T)));
    T* to = out.data + i * out.stride;
    if (source.starts) {
      scatter_row(source, row_number(source, i), to);
      continue;
    }
    const long offset = row_number(source, i) * width;
    if (source.bytes) {
      const std::uint8_t* from = static_cast<const std::uint8_t*>(source.x) + offset;
      for (long k = 0; k < width; ++k) to[k] = static_cast<T>(from[k]) * scale;
    } else {
      __builtin_memcpy(to, static_cast<const T*>(source.x) + offset,
                       sizeof(T) * static_cast<unsigned long>(width));
    }
    for (long k = width; k < end; ++k) to[k] = T(0);
  }
}

}  // namespace
}  // namespace descend::DESCEND_ISA
