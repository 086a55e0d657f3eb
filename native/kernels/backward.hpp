// Backward: deltas passed to the layer before, gradients of weights and biases fused with their update.
#pragma once

#include "kernels/narrow_zeros.hpp"
#include "kernels/zeros.hpp"

namespace descend::DESCEND_ISA {
namespace {

// delta · Wᵀ · slope for one sub-panel of the layer's inputs.
template <class T>
struct Propagate {
  const Dense<T>& layer;
  Delta<const T> delta;
  Matrix<const T> slope;
  Delta<T> out;
  long column;  // first of the inputs computed

  template <int M>
  DESCEND_INLINE void run(long row) const {
    Tile<T, M> sum = {};
    if (is_narrow(layer.outputs)) {
      multiply_add<T, M>(sum, layer.outputs, delta.data + row * narrow_width, narrow_width, 1,
                         layer.weight + column, padded(layer.inputs));
    } else {
      const T* weight =
          layer.transposed + column / panel_width * layer.outputs * panel_width + column % panel_width;
      for (long first = 0; first < layer.outputs; first += panel_width) {
        const long left = layer.outputs - first;
        multiply_add<T, M>(sum, left < panel_width ? left : panel_width,
                           delta.data + first / panel_width * delta.panel_stride + row * panel_width,
                           panel_width, 1, weight + first * panel_width, panel_width);
      }
    }
    const T* by = slope.data + row * slope.stride + column;
    T* to = delta_at(out, layer.inputs, row, column);
    const long step = delta_width(layer.inputs);
    if (column + tile_columns<T> <= layer.inputs) {
      for (int i = 0; i < M; ++i)
        for (int v = 0; v < 2; ++v)
          store(to + i * step + v * lanes<T>, sum[i][v] * load(by + i * slope.stride + v * lanes<T>));
      return;
    }
    for (int v = 0; v < 2; ++v) {
      const long at = column + v * lanes<T>;
      if (at >= round_up(layer.inputs, step)) break;
      const Mask<T> real = columns_before<T>(at, layer.inputs);
      for (int i = 0; i < M; ++i) {
        const Vector<T> product = sum[i][v] * load(by + i * slope.stride + v * lanes<T>);
        store(to + i * step + v * lanes<T>, select<T>(real, product, Vector<T>{}));
      }
    }
  }
};

template <class T>
void propagate(const Dense<T>& layer, Delta<const T> delta, long rows, Matrix<const T> slope, Delta<T> out) {
  for (long column = 0; column < layer.inputs; column += tile_columns<T>)
    for_tiles(0, rows, Propagate<T>{layer, delta, slope, out, column});
  // Sub-panels that hold padding only.
  const long width = delta_width(layer.inputs);
  for (long at = round_up(layer.inputs, tile_columns<T>); at < round_up(layer.inputs, width); at += lanes<T>)
    for (long row = 0; row < rows; ++row) store(delta_at(out, layer.inputs, row, at), Vector<T>{});
}

template <class T>
DESCEND_INLINE void refresh_transposed(const Backward<T>& b, long first, long rows, long column,
                                       long columns) {
  const T* value = b.weight.value + column / panel_width * b.inputs * panel_width + column % panel_width;
  for (long k = first; k < first + rows; ++k) {
    T* to = b.transposed + k / panel_width * b.outputs * panel_width + k % panel_width;
    for (long j = 0; j < columns && column + j < b.outputs; ++j)
      to[(column + j) * panel_width] = value[k * panel_width + j];
  }
}

// Inputs whose gradients are made before their update: the roots and divisions of many overlap.
constexpr long inputs_at_once = 48;

template <class T>
struct WideWeights {
  const Backward<T>& b;
  long panel, column, first;
  T* gradient;  // of the inputs from `first` on, (inputs_at_once, tile_columns)

  DESCEND_INLINE bool store_only() const { return b.unfinished || b.weight_update.store_only; }
  DESCEND_INLINE bool plain() const { return b.weight_update.plain && !store_only(); }

  template <int M>
  DESCEND_INLINE void run(long k) const {
    const long offset = (panel * b.inputs + k) * panel_width + column;
    Tile<T, M> sum = {};
    if (b.continued)
      for (int i = 0; i < M; ++i)
        for (int v = 0; v < 2; ++v)
          sum[i][v] = load(b.weight.gradient + offset + i * panel_width + v * lanes<T>);
    multiply_add<T, M, true>(sum, b.rows, b.input.data + k, 1, b.input.stride,
                             b.delta.data + panel * b.delta.panel_stride + column, panel_width);
    if (plain()) {
#pragma GCC unroll 16
      for (int i = 0; i < M; ++i)
        for (int v = 0; v < 2; ++v)
          plain_step(b.weight_update, b.weight.value + offset + i * panel_width + v * lanes<T>, sum[i][v]);
    } else {
      T* to = gradient + (k - first) * tile_columns<T>;
      for (int i = 0; i < M; ++i)
        for (int v = 0; v < 2; ++v) store(to + i * tile_columns<T> + v * lanes<T>, sum[i][v]);
    }
  }

  // What is left to do for so many inputs whose sums are made.
  DESCEND_INLINE void end(long rows) const {
    if (!plain())
      finish<T>(b.weight_update,
                {moved(b.weight, (panel * b.inputs + first) * panel_width + column), rows, panel_width,
                 tile_columns<T>, b.outputs - panel * panel_width - column, gradient, tile_columns<T>},
                store_only());
    if (b.transposed && !store_only())
      refresh_transposed(b, first, rows, panel * panel_width + column, tile_columns<T>);
  }
};

template <class T>
void learn_wide(const Backward<T>& b, long panel, long first, long last) {
  T gradient[inputs_at_once * tile_columns<T>];
  for (; first < last; first += inputs_at_once) {
    const long rows = last - first < inputs_at_once ? last - first : inputs_at_once;
    for (long column = 0, end = panel_columns(b.outputs, panel); column < end; column += tile_columns<T>) {
      const WideWeights<T> weights{b, panel, column, first, gradient};
      for_tiles(first, first + rows, weights);
      weights.end(rows);
    }
  }
}

// Biases of one panel: the deltas added up in the rows' order, some columns at once to hide an addition's
// latency.
template <class T>
void learn_bias(const Backward<T>& b, long panel) {
  constexpr int at_once = lane_vectors<T> < 4 ? lane_vectors<T> : 4;
  const long width = delta_width(b.outputs), offset = panel * panel_width;
  T gradient[panel_width];
  for (long column = 0; column < width; column += at_once * lanes<T>) {
    Vector<T> sum[at_once] = {};
    if (b.continued)
      for (int v = 0; v < at_once; ++v) sum[v] = load(b.bias.gradient + offset + column + v * lanes<T>);
    const T* delta = b.delta.data + panel * b.delta.panel_stride + column;
    for (long i = 0; i < b.rows; ++i, delta += width)
      for (int v = 0; v < at_once; ++v) sum[v] = sum[v] + load(delta + v * lanes<T>);
    for (int v = 0; v < at_once; ++v) store(gradient + column + v * lanes<T>, sum[v]);
  }
  finish<T>(b.bias_update, {moved(b.bias, offset), 1, width, width, b.outputs - offset, gradient, width},
            b.unfinished || b.bias_update.store_only);
}

template <class T>
void learn(const Backward<T>& b, long panel, long last_panel, long first, long last) {
  for (long own = panel; first == 0 && b.bias.value && own < last_panel; ++own) learn_bias(b, own);
  if (is_narrow(b.outputs)) {
    b.filled ? learn_narrow_filled(b, first, last) : learn_narrow(b, first, last);
    return;
  }
  if (b.filled) {
    learn_filled(b, panel, last_panel, first, last);
    return;
  }
  for (; panel < last_panel; ++panel) learn_wide(b, panel, first, last);
}

}  // namespace
}  // namespace descend::DESCEND_ISA
