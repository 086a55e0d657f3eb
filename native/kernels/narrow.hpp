// Layers of at most sixteen outputs: lanes over the inputs going forward, inputs in lanes going back.
#pragma once

#include "kernels/rows.hpp"
#include "kernels/tile.hpp"
#include "kernels/update.hpp"

namespace descend::DESCEND_ISA {
namespace {

#if DESCEND_VECTOR_BYTES == 64 || defined(DESCEND_NEON)
constexpr int most_narrow = 10;  // outputs held in registers at once, times two rows or two vectors
#else
constexpr int most_narrow = 5;
#endif

// Calls body.run<outputs in the group>(first output): all groups but the last are full.
template <int most = most_narrow, class Body>
DESCEND_INLINE void for_output_groups(long outputs, const Body& body) {
  long c = 0;
  for (; c + most <= outputs; c += most) body.template run<most>(c);
  for (; c + 3 <= outputs; c += 3) body.template run<3>(c);
  for (; c < outputs; ++c) body.template run<1>(c);
}

// All rows of one group of outputs, whose weights stay in the first-level cache.
// Lane l of a sum takes the inputs k ≡ l mod 16.
template <class T, class Rows>
struct NarrowForward {
  const Dense<T>& layer;
  const Rows& from;
  long rows;
  Matrix<T> z;

  template <int C>
  DESCEND_INLINE void run(long output) const {
    long i = 0;
    for (; i + 2 <= rows; i += 2) outputs<2, C>(i, output);
    if (i < rows) outputs<1, C>(i, output);
  }

  template <int R, int C>
  DESCEND_INLINE void outputs(long i, long output) const {
    const long whole = from.whole();
    const typename Rows::Value* x[R];
    for (int r = 0; r < R; ++r) {
      x[r] = from.row(i + r);
      if (output == 0) from.prefetch(i + r);
    }
    T lane[R * C][narrow_width];
    for (long v = 0; v < narrow_width; v += lanes<T>) {
      Vector<T> sum[R * C] = {};
      Vector<T> values[R];
      for (long k = v; k < whole; k += narrow_width) {
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) values[r] = load_values<T>(x[r] + k);
        add<R, C>(sum, values, output, k);
      }
      if (whole < layer.inputs) {
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) values[r] = from.last(x[r], whole + v);
        add<R, C>(sum, values, output, whole + v);
      }
#pragma GCC unroll 20
      for (int j = 0; j < R * C; ++j) store(&lane[j][v], sum[j]);
    }
    T total[R * C];
    tree_sums<R * C>(lane, total);
    const T scale = from.scale();
    for (int r = 0; r < R; ++r)
      for (int c = 0; c < C; ++c)
        z.data[(i + r) * z.stride + output + c] =
            total[r * C + c] * scale + (layer.bias ? layer.bias[output + c] : T(0));
  }

  template <int R, int C>
  DESCEND_INLINE void add(Vector<T> (&sum)[R * C], const Vector<T> (&values)[R], long output, long k) const {
    const long stride = padded(layer.inputs);
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c) {
      Vector<T> w = load(layer.weight + (output + c) * stride + k);
      if constexpr (R > 1) hold(w);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sum[r * C + c] = fma(values[r], w, sum[r * C + c]);
    }
  }
};

template <class T>
struct NarrowDense {
  const Dense<T>& layer;
  long rows;
  Matrix<T> z;

  template <class Rows>
  DESCEND_INLINE void operator()(const Rows& from) const {
    for_output_groups(layer.outputs, NarrowForward<T, Rows>{layer, from, rows, z});
  }
};

// A narrow first layer reads the table itself.
template <class T>
void dense_rows(const Dense<T>& layer, const Source& source, long rows, Matrix<T> z) {
  with_rows<T>(source, NarrowDense<T>{layer, rows, z});
}

// Makes weights of C outputs × V vectors of inputs from `k` on out of their sums.
template <class T, int C, int V>
DESCEND_INLINE void finish_narrow(const Backward<T>& b, long k, long output, const Vector<T> (&sum)[C][V],
                                  T scale) {
  const long stride = padded(b.inputs), offset = output * stride + k;
  if (b.weight_update.plain && !b.unfinished) {
    T* weight = b.weight.value + offset;
#pragma GCC unroll 16
    for (int c = 0; c < C; ++c)
      for (int v = 0; v < V; ++v)
        plain_step(b.weight_update, weight + c * stride + v * lanes<T>, sum[c][v] * scale);
    return;
  }
  // Sums that go on later are stored as they are.
  const T by = b.unfinished ? T(1) : scale;
  T gradient[C * V * lanes<T>];
  for (int c = 0; c < C; ++c)
    for (int v = 0; v < V; ++v) store(gradient + (c * V + v) * lanes<T>, sum[c][v] * by);
  finish<T>(b.weight_update,
            {moved(b.weight, offset), C, stride, V * lanes<T>, b.inputs - k, gradient, V * lanes<T>},
            b.unfinished || b.weight_update.store_only);
}

// Gradients and updates of two vectors of inputs, rows added up in ascending order.
template <class T, class Rows>
struct NarrowWeights {
  const Backward<T>& b;
  const Rows& from;
  long k;  // first input

  template <int C>
  DESCEND_INLINE void run(long output) const {
    const long stride = padded(b.inputs), offset = output * stride + k;
    Vector<T> sum[C][2] = {};
    if (b.continued)
      for (int c = 0; c < C; ++c)
        for (int v = 0; v < 2; ++v) sum[c][v] = load(b.weight.gradient + offset + c * stride + v * lanes<T>);
    if (k + tile_columns<T> <= from.whole()) {
      // One row's bytes of a cache line serve several calls; the first of them asks for it.
      if (output == 0 && k * static_cast<long>(sizeof(typename Rows::Value)) % 64 == 0)
        rows<C, true, true>(sum, output);
      else
        rows<C, true, false>(sum, output);
    } else {
      rows<C, false, false>(sum, output);
    }
    finish_narrow<T, C, 2>(b, k, output, sum, from.scale());
  }

  template <int C, bool whole, bool prefetching>
  DESCEND_INLINE void rows(Vector<T> (&sum)[C][2], long output) const {
    const T* d = b.delta.data + output;
    for (long i = 0; i < b.rows; ++i, d += narrow_width) {
      if constexpr (prefetching)
        if (i + rows_ahead < b.rows) __builtin_prefetch(from.row(i + rows_ahead) + k);
      const typename Rows::Value* x = from.row(i) + k;
      Vector<T> values[2];
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v)
        if constexpr (whole)
          values[v] = load_values<T>(x + v * lanes<T>);
        else
          values[v] = from.last(x - k, k + v * lanes<T>);
#pragma GCC unroll 16
      for (int c = 0; c < C; ++c) {
        const Vector<T> own = splat(d[c]);
        sum[c][0] = fma(values[0], own, sum[c][0]);
        sum[c][1] = fma(values[1], own, sum[c][1]);
      }
    }
  }
};

template <class T>
struct LearnNarrow {
  const Backward<T>& b;
  long first, last;

  template <class Rows>
  DESCEND_INLINE void operator()(const Rows& from) const {
    for (long k = first; k < last; k += tile_columns<T>)
      for_output_groups(b.outputs, NarrowWeights<T, Rows>{b, from, k});
  }
};

template <class T>
void learn_narrow(const Backward<T>& b, long first, long last) {
  const LearnNarrow<T> learn{b, first, last};
  if (b.source)
    with_rows<T>(*b.source, learn);
  else
    learn(BlockRows<T>{b.input.data, b.input.stride, b.inputs});
}

}  // namespace
}  // namespace descend::DESCEND_ISA
