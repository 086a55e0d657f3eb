// Products of a first layer that leave out what is zero in its inputs: pixels of a dark border, columns of a
// one-hot category. Adding 0 · w changes no sum but one that is −0, as long as w is finite; those few are
// made again with every input, so that the bits are those of the products that read everything.
#pragma once

#include "kernels/forward.hpp"
#include "kernels/lists.hpp"
#include "kernels/update.hpp"

namespace descend::DESCEND_ISA {
namespace {

// One sum is one register; so many at once hide the latency of a multiply-add.
constexpr int sums_at_once = 8;
constexpr int block_vectors = 2;

// Bit c: column `first + c` of a row is not 0; the row is padded with zeros to a multiple of 32.
template <class T>
DESCEND_INLINE std::uint64_t nonzero_columns(const T* row, long first, long end) {
  std::uint64_t bits = 0;
  const long count = end - first < 64 ? end - first : 64;
  for (long c = 0; c < count; c += lanes<T>) bits |= nonzero_lanes<T>(row + first + c) << c;
  return bits;
}

// Bit b: block b of sixteen has a column whose bit is set.
DESCEND_INLINE std::uint16_t blocks_of(std::uint64_t columns) {
  static_assert(wide_block == 4);
  columns |= columns >> 1;
  columns |= columns >> 2;
  columns &= 0x1111111111111111u;
  columns = (columns | columns >> 3) & 0x0303030303030303u;
  columns = (columns | columns >> 6) & 0x000f000f000f000fu;
  columns = (columns | columns >> 12) & 0x000000ff000000ffu;
  return static_cast<std::uint16_t>(columns | columns >> 24);
}

// Both values of a pair of rows in the columns listed from `first` to `last`.
template <class T>
DESCEND_INLINE void list_values(const std::uint16_t* columns, long first, long last, const T* one,
                                const T* other, T* values) {
  for (long i = first; i < last; ++i) {
    values[2 * i] = one[columns[i]];
    values[2 * i + 1] = other[columns[i]];
  }
}

template <class T>
void list_filled(Matrix<const T> in, const Filled<T>& filled, long first, long rows) {
  constexpr long word = 64, blocks_a_word = word / wide_block;
  static_assert(segment_inputs % word == 0);
  const long end = padded(filled.inputs);
  for (long row = first; row < first + rows; row += 2) {
    std::uint16_t* columns = filled.columns + row / 2 * filled.columns_stride();
    T* pair_values = filled.pair_values + row * filled.columns_stride();
    std::uint16_t* segment_end = filled.segment_end + row / 2 * filled.segments();
    const long height = row + 1 < first + rows ? 2 : 1;
    const T* one = in.data + row * in.stride;
    const T* other = one + (height - 1) * in.stride;  // without another row the values are of no account
    long count = 0, listed = 0;
    for (long c = 0; c < end; c += word) {
      std::uint64_t any = 0;
      for (long i = 0; i < height; ++i) {
        const std::uint64_t bits = nonzero_columns(one + i * in.stride, c, end);
        any |= bits;
        if (!filled.marks) continue;
        const std::uint16_t blocks = blocks_of(bits);
        std::uint8_t* mark = filled.marks + c / word * (blocks_a_word / 8) * filled.capacity + row + i;
        mark[0] = static_cast<std::uint8_t>(blocks);
        mark[filled.capacity] = static_cast<std::uint8_t>(blocks >> 8);
      }
      for (long byte = 0; byte < 8; ++byte)
        count = list_byte(static_cast<std::uint8_t>(any >> 8 * byte), c + 8 * byte, columns, count);
      if ((c + word) % segment_inputs != 0 && c + word < end) continue;
      list_values(columns, listed, count, one, other, pair_values);
      listed = count;
      *segment_end++ = static_cast<std::uint16_t>(count);
    }
  }
}

// R rows × V vectors of outputs from `column` on: one segment's share of their sums. True where one is −0.
template <class T, int R, int V>
DESCEND_INLINE bool filled_outputs(const Dense<T>& layer, const Filled<T>& filled, long row, long column,
                                   long segment, Matrix<T> z) {
  const long panel = layer.inputs * panel_width;
  const T* weight = layer.weight + column / panel_width * panel + column % panel_width;
  const T* x = filled.pair_values + row * filled.columns_stride();
  T* to = z.data + row * z.stride + column;
  const std::uint16_t* columns = filled.columns + row / 2 * filled.columns_stride();
  const std::uint16_t* segment_end = filled.segment_end + row / 2 * filled.segments() + segment;
  Vector<T> sum[R][V] = {};
  if (segment > 0 || layer.bias)
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v)
        sum[r][v] = load((segment > 0 ? to + r * z.stride : layer.bias + column) + v * lanes<T>);
  for (long i = segment > 0 ? segment_end[-1] : 0, end = *segment_end; i < end; ++i) {
    const long k = columns[i];
    const T* w = weight + k * panel_width;
    Vector<T> own[R];
    for (int r = 0; r < R; ++r) own[r] = splat(x[2 * i + r]);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const long at = v * lanes<T>;
      Vector<T> by = load(w + at / panel_width * panel + at % panel_width);
      if constexpr (R > 1) hold(by);
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) sum[r][v] = fma(own[r], by, sum[r][v]);
    }
  }
  Mask<T> lost = {};
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      store(to + r * z.stride + v * lanes<T>, sum[r][v]);
      lost |= negative_zero<T>(sum[r][v]);
    }
  return any(lost);
}

// Pairs of rows, or a last single one.
template <class T, int R, int V>
DESCEND_INLINE void filled_rows(const Dense<T>& layer, Matrix<const T> in, const Filled<T>& filled,
                                long first, long last, long column, Matrix<T> z) {
  const long segments = filled.segments();
  for (long segment = 0; segment < segments; ++segment)
    for (long row = first; row < last; row += R) {
      if (!filled_outputs<T, R, V>(layer, filled, row, column, segment, z) || segment + 1 < segments)
        continue;
      for (long at = column; at < column + V * lanes<T>; at += tile_columns<T>)
        WideForward<T>{layer, in, z, at / panel_width, at % panel_width}.template run<R>(row);
    }
}

// Rows [first, first + rows), `first` even, times the panels [panel, last_panel).
template <class T>
void dense_filled(const Dense<T>& layer, Matrix<const T> in, const Filled<T>& filled, long first, long rows,
                  long panel, long last_panel, Matrix<T> z) {
  constexpr int of_pair = sums_at_once / 2, a_panel = panel_width / lanes<T>;
  const long begin = panel * panel_width, end = last_panel * panel_width, pairs = first + (rows & ~1L);
  long column = begin;
  for (; column + of_pair * lanes<T> <= end; column += of_pair * lanes<T>)
    filled_rows<T, 2, of_pair>(layer, in, filled, first, pairs, column, z);
  if constexpr (a_panel < of_pair)
    if (column < end) filled_rows<T, 2, a_panel>(layer, in, filled, first, pairs, column, z);
  if (pairs == first + rows) return;
  for (column = begin; column + sums_at_once * lanes<T> <= end; column += sums_at_once * lanes<T>)
    filled_rows<T, 1, sums_at_once>(layer, in, filled, pairs, pairs + 1, column, z);
  if constexpr (a_panel < sums_at_once)
    for (; column < end; column += panel_width)
      filled_rows<T, 1, a_panel>(layer, in, filled, pairs, pairs + 1, column, z);
}

// The inputs of a block in its listed rows, one row behind the other: every panel reads them again.
template <class T>
struct BlockValues {
  T of[most_block_rows][wide_block];

  DESCEND_INLINE void copy(const MarkedRows& rows, Matrix<const T> in, long first) {
    for (long i = 0; i < rows.count; ++i)
      __builtin_memcpy(of[i], in.data + rows.row[i] * in.stride + first, sizeof of[i]);
  }
};

// Gradients and updates of B inputs from `k` on × so many vectors of outputs, over listed rows.
template <class T, int B>
struct FilledWeights {
  const Backward<T>& b;
  const MarkedRows& rows;
  const BlockValues<T>& values;
  long panel, column, k;
  Vector<T>& zero;  // 0 · w added up over all new weights, which is 0 where they are finite

  using Sums = Vector<T>[B][block_vectors];

  DESCEND_INLINE void run() const {
    const long offset = (panel * b.inputs + k) * panel_width + column;
    Sums sum;
    start(sum, offset);
    for (long i = 0; i < rows.count; ++i) add(sum, values.of[i] + k % wide_block, rows.row[i]);
    Mask<T> lost = {};
    for (int i = 0; i < B; ++i)
      for (int v = 0; v < block_vectors; ++v) lost |= negative_zero<T>(sum[i][v]);
    if (any(lost)) {
      start(sum, offset);
      for (long row = 0; row < b.rows; ++row) add(sum, b.input.data + row * b.input.stride + k, row);
    }
    finish_block(sum, offset);
  }

  DESCEND_INLINE void start(Sums& sum, long offset) const {
    for (int i = 0; i < B; ++i)
      for (int v = 0; v < block_vectors; ++v)
        sum[i][v] =
            b.continued ? load(b.weight.gradient + offset + i * panel_width + v * lanes<T>) : Vector<T>{};
  }

  DESCEND_INLINE void add(Sums& sum, const T* x, long row) const {
    const T* d = b.delta.data + panel * b.delta.panel_stride + row * panel_width + column;
    Vector<T> by[block_vectors];
    for (int v = 0; v < block_vectors; ++v) by[v] = load(d + v * lanes<T>);
#pragma GCC unroll 4
    for (int j = 0; j < B; ++j) {
      const Vector<T> own = splat(x[j]);
      for (int v = 0; v < block_vectors; ++v) sum[j][v] = fma(own, by[v], sum[j][v]);
    }
  }

  DESCEND_INLINE void finish_block(const Sums& sum, long offset) const {
    const bool store_only = b.unfinished || b.weight_update.store_only;
    if (b.weight_update.plain && !store_only) {
#pragma GCC unroll 4
      for (int i = 0; i < B; ++i)
        for (int v = 0; v < block_vectors; ++v)
          zero = fma(plain_step(b.weight_update, b.weight.value + offset + i * panel_width + v * lanes<T>,
                                sum[i][v]),
                     Vector<T>{}, zero);
      return;
    }
    constexpr long columns = block_vectors * lanes<T>;
    T gradient[B * columns];
    for (int i = 0; i < B; ++i)
      for (int v = 0; v < block_vectors; ++v) store(gradient + i * columns + v * lanes<T>, sum[i][v]);
    finish<T>(b.weight_update,
              {moved(b.weight, offset), B, panel_width, columns, b.outputs - panel * panel_width - column,
               gradient, columns},
              store_only);
    if (store_only) return;
    for (int i = 0; i < B; ++i)
      for (int v = 0; v < block_vectors; ++v)
        zero = fma(load(b.weight.value + offset + i * panel_width + v * lanes<T>), Vector<T>{}, zero);
  }
};

template <class T>
DESCEND_INLINE void report_overflow(const Backward<T>& b, Vector<T> zero) {
  for (long lane = 0; lane < lanes<T>; ++lane)
    if (zero[lane] != T(0)) __atomic_store_n(b.overflowed, true, __ATOMIC_RELAXED);
}

// Inputs [first, last) of panels [panel, last_panel), `first` a multiple of wide_block.
template <class T>
void learn_filled(const Backward<T>& b, long panel, long last_panel, long first, long last) {
  constexpr long columns = block_vectors * lanes<T>;
  // w − rate · 0 is w.
  const bool may_skip =
      b.weight_update.plain && !b.unfinished && !b.continued && b.weight_update.decay == T(0);
  MarkedRows rows;
  BlockValues<T> values;
  Vector<T> zero = {};
  for (long k = first; k < last; k += wide_block) {
    const long block = k / wide_block;
    rows.list(b.filled->marks + block / 8 * b.filled->capacity, block % 8, b.rows);
    if (rows.count == 0 && may_skip) continue;
    values.copy(rows, b.input, k);
    for (long at = panel * panel_width; at < last_panel * panel_width; at += columns) {
      const long own = at / panel_width, column = at % panel_width;
      if (k + wide_block <= last)
        FilledWeights<T, wide_block>{b, rows, values, own, column, k, zero}.run();
      else
        for (long i = k; i < last; ++i) FilledWeights<T, 1>{b, rows, values, own, column, i, zero}.run();
    }
  }
  report_overflow(b, zero);
}

}  // namespace
}  // namespace descend::DESCEND_ISA
