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
    for (int i = 0; i < M; ++i)
      for (int v = 0; v < 2; ++v) put(row + i, column + v * lanes<T>, sum[i][v]);
  }

  DESCEND_INLINE void put(long row, long at, Vector<T> sum) const {
    if (at >= round_up(layer.inputs, delta_width(layer.inputs))) return;
    const Vector<T> product = sum * load(slope.data + row * slope.stride + at);
    store(delta_at(out, layer.inputs, row, at),
          select<T>(columns_before<T>(at, layer.inputs), product, Vector<T>{}));
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

template <class T>
struct WideWeights {
  const Backward<T>& b;
  long panel, column;

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
    const bool store_only = b.unfinished || b.weight_update.store_only;
    if (b.weight_update.plain && !store_only) {
#pragma GCC unroll 16
      for (int i = 0; i < M; ++i)
        for (int v = 0; v < 2; ++v)
          plain_step(b.weight_update, b.weight.value + offset + i * panel_width + v * lanes<T>, sum[i][v]);
    } else {
      finish_tile(sum, offset, store_only);
    }
    if (b.transposed && !store_only)
      refresh_transposed(b, k, M, panel * panel_width + column, tile_columns<T>);
  }

  template <int M>
  DESCEND_INLINE void finish_tile(const Tile<T, M>& sum, long offset, bool store_only) const {
    T gradient[M * tile_columns<T>];
    for (int i = 0; i < M; ++i)
      for (int v = 0; v < 2; ++v) store(gradient + i * tile_columns<T> + v * lanes<T>, sum[i][v]);
    finish<T>(b.weight_update,
              {moved(b.weight, offset), M, panel_width, tile_columns<T>,
               b.outputs - panel * panel_width - column, gradient, tile_columns<T>},
              store_only);
  }
};

// Biases of one panel: the deltas added up in the rows' order.
template <class T>
void learn_bias(const Backward<T>& b, long panel) {
  const long width = delta_width(b.outputs), offset = panel * panel_width;
  T gradient[panel_width];
  for (long column = 0; column < width; column += lanes<T>) {
    Vector<T> sum = b.continued ? load(b.bias.gradient + offset + column) : Vector<T>{};
    const T* delta = b.delta.data + panel * b.delta.panel_stride + column;
    for (long i = 0; i < b.rows; ++i) sum = sum + load(delta + i * width);
    store(gradient + column, sum);
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
  for (; panel < last_panel; ++panel)
    for (long column = 0; column < panel_width; column += tile_columns<T>)
      for_tiles(first, last, WideWeights<T>{b, panel, column});
}

}  // namespace
}  // namespace descend::DESCEND_ISA
