// Updates from gradients that were stored, for steps that must know all of them before any weight moves.
#pragma once

#include "kernels/backward.hpp"

namespace descend::DESCEND_ISA {
namespace {

// Rows of a parameter `stride` apart, of which `columns` are stored and `valid` are no padding.
template <class T>
void update_stored(const Update<T>& u, const Parameter<T>& at, long rows, long stride, long columns,
                   long valid, T scale) {
  if (scale != T(1))
    for (long r = 0; r < rows; ++r)
      for (long k = 0; k < columns; k += lanes<T>) {
        T* gradient = at.gradient + r * stride + k;
        store(gradient, load(gradient) * scale);
      }
  finish<T>(u, {at, rows, stride, columns, valid, at.gradient, stride}, false);
}

template <class T>
void apply_bias(const Backward<T>& b, long panel, T scale) {
  const long column = panel * panel_width, width = delta_width(b.outputs);
  update_stored(b.bias_update, moved(b.bias, column), 1, width, width, b.outputs - column, scale);
}

// The part of a layer that `learn` has stored gradients of, which are scaled first.
template <class T>
void apply(const Backward<T>& b, long panel, long first, long last, T scale) {
  const long column = panel * panel_width;
  if (first == 0 && b.bias.value) apply_bias(b, panel, scale);
  if (is_narrow(b.outputs)) {
    update_stored(b.weight_update, moved(b.weight, first), b.outputs, padded(b.inputs), last - first,
                  last - first, scale);
    return;
  }
  const long offset = (panel * b.inputs + first) * panel_width;
  update_stored(b.weight_update, moved(b.weight, offset), last - first, panel_width, panel_width,
                b.outputs - column, scale);
  if (b.transposed) refresh_transposed(b, first, last - first, column, panel_width);
}

}  // namespace
}  // namespace descend::DESCEND_ISA
