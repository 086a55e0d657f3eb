// Forward: dropout, x W + b, activations.
#pragma once

#include "kernels/math.hpp"
#include "kernels/narrow.hpp"
#include "kernels/philox.hpp"

namespace descend::DESCEND_ISA {
namespace {

template <class T>
void dropout(const DropoutMask& mask, long first_row, long rows, long width, Matrix<T> values,
             Matrix<T> slope) {
  const T factor = static_cast<T>(mask.factor);
  const std::uint64_t blocks = static_cast<std::uint64_t>(width + 3) / 4;
  for (long i = 0; i < rows; ++i) {
    const std::uint64_t start = static_cast<std::uint64_t>(first_row + i) * blocks;
    for (std::uint64_t block = 0; block < blocks; block += stream_blocks) {
      std::uint32_t word[4 * stream_blocks];
      philox(mask.stream, start + block, word);
      const long column = static_cast<long>(4 * block);
      const long left = width - column;
      const long count = left < 4 * stream_blocks ? left : 4 * stream_blocks;
      T* value = values.data + i * values.stride + column;
      for (long u = 0; u < count; ++u) value[u] = word[u] >= mask.threshold ? value[u] * factor : T(0);
      if (!slope.data) continue;
      T* change = slope.data + i * slope.stride + column;
      for (long u = 0; u < count; ++u) change[u] = word[u] >= mask.threshold ? change[u] * factor : T(0);
    }
  }
}

template <class T>
struct WideForward {
  const Dense<T>& layer;
  Matrix<const T> in;
  Matrix<T> z;
  long panel, column;

  template <int M>
  DESCEND_INLINE void run(long row) const {
    const long at = panel * panel_width + column;
    Vector<T> start[2] = {};
    if (layer.bias) {
      start[0] = load(layer.bias + at);
      start[1] = load(layer.bias + at + lanes<T>);
    }
    Tile<T, M> sum;
    for (int i = 0; i < M; ++i) sum[i][0] = start[0], sum[i][1] = start[1];
    multiply_add<T, M>(sum, layer.inputs, in.data + row * in.stride, in.stride, 1,
                       layer.weight + panel * layer.inputs * panel_width + column, panel_width);
    T* to = z.data + row * z.stride + at;
    for (int i = 0; i < M; ++i, to += z.stride) store(to, sum[i][0]), store(to + lanes<T>, sum[i][1]);
  }
};

// V vectors of one row's outputs from `column` on: the same sums as a tile's, but as many at once as hide the
// multiply-add's latency, so that the weights arrive as fast as memory gives them.
template <class T, int V>
DESCEND_INLINE void row_outputs(const Dense<T>& layer, const T* in, T* z, long column) {
  const T* weight = layer.weight + column / panel_width * layer.inputs * panel_width + column % panel_width;
  const long panel = layer.inputs * panel_width;
  Vector<T> sum[V] = {};
  if (layer.bias)
    for (int v = 0; v < V; ++v) sum[v] = load(layer.bias + column + v * lanes<T>);
  for (long k = 0; k < layer.inputs; ++k, weight += panel_width) {
    const Vector<T> x = splat(in[k]);
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      const long at = v * lanes<T>;
      sum[v] = fma(x, load(weight + at / panel_width * panel + at % panel_width), sum[v]);
    }
  }
  for (int v = 0; v < V; ++v) store(z + column + v * lanes<T>, sum[v]);
}

template <class T>
void dense_row(const Dense<T>& layer, const T* in, T* z) {
  constexpr int at_once = 8, a_panel = panel_width / lanes<T>;
  const long end = padded(layer.outputs);
  long column = 0;
  for (; column + at_once * lanes<T> <= end; column += at_once * lanes<T>)
    row_outputs<T, at_once>(layer, in, z, column);
  if constexpr (a_panel < at_once)
    for (; column < end; column += panel_width) row_outputs<T, a_panel>(layer, in, z, column);
}

template <class T>
void dense(const Dense<T>& layer, Matrix<const T> in, long rows, Matrix<T> z) {
  if (is_narrow(layer.outputs)) {
    NarrowDense<T>{layer, rows, z}(BlockRows<T>{in.data, in.stride, layer.inputs});
    return;
  }
  if (rows == 1) {
    dense_row(layer, in.data, z.data);
    return;
  }
  for (long panel = 0; panel * panel_width < layer.outputs; ++panel)
    for (long column = 0, end = panel_columns(layer.outputs, panel); column < end; column += tile_columns<T>)
      for_tiles(0, rows, WideForward<T>{layer, in, z, panel, column});
}

template <class T>
struct Activated {
  Vector<T> value, slope;
};

template <class T>
DESCEND_INLINE Vector<T> sigmoid(Vector<T> z) {
  const Vector<T> e = exp<T>(-absolute<T>(z));
  return select<T>(z < T(0), e, splat(T(1))) / (e + T(1));
}

// f(z) and f′(z).
template <class T, Activation kind>
DESCEND_INLINE Activated<T> activation(Vector<T> z) {
  const Vector<T> zero = {}, one = splat(T(1));
  if constexpr (kind == Activation::identity) {
    return {z, one};
  } else if constexpr (kind == Activation::sigmoid) {
    const Vector<T> f = sigmoid<T>(z);
    return {f, f * (one - f)};
  } else if constexpr (kind == Activation::hard_sigmoid) {
    const Vector<T> line = z / T(6) + T(0.5);
    const Vector<T> capped = select<T>(line > one, one, line);
    const Mask<T> inside = (z > T(-3)) & (z < T(3));
    return {select<T>(capped < zero, zero, capped), select<T>(inside, splat(T(1) / T(6)), zero)};
  } else if constexpr (kind == Activation::tanh) {
    const Vector<T> f = tanh<T>(z);
    return {f, one - f * f};
  } else if constexpr (kind == Activation::relu) {
    return {select<T>(z <= zero, zero, z), select<T>(z > zero, one, zero)};
  } else if constexpr (kind == Activation::gelu) {
    const Vector<T> share = T(0.5) * (one + erf<T>(z * T(0.70710678118654752)));
    const Vector<T> density = exp<T>(T(-0.5) * z * z) * T(0.39894228040143268);
    return {z * share, fma(z, density, share)};
  } else {
    const T slope = T(0.79788456080286536), cube = T(0.044715);
    const Vector<T> square = z * z;
    const Vector<T> t = tanh<T>(slope * (z * fma(splat(cube), square, one)));
    const Vector<T> share = T(0.5) * (one + t);
    const Vector<T> inner = slope * fma(splat(T(3) * cube), square, one);
    return {z * share, fma(T(0.5) * z * (one - t * t), inner, share)};
  }
}

template <class T, Activation kind>
void activate_as(long rows, long width, Matrix<T> values, Matrix<T> slope) {
  const Vector<T> zero = {};
  const long whole = width / lanes<T> * lanes<T>, end = padded(width);
  const Mask<T> real = columns_before<T>(whole, width);
  for (long i = 0; i < rows; ++i) {
    T* value = values.data + i * values.stride;
    T* change = slope.data ? slope.data + i * slope.stride : nullptr;
    const auto put = [&](long k, Activated<T> result) {
      store(value + k, result.value);
      if (change) store(change + k, result.slope);
    };
    for (long k = 0; k < whole; k += lanes<T>) put(k, activation<T, kind>(load(value + k)));
    long k = whole;
    if (k < width) {
      // Padding may hold anything, and must not cost a NaN.
      const Activated<T> last = activation<T, kind>(select<T>(real, load(value + k), zero));
      put(k, {select<T>(real, last.value, zero), select<T>(real, last.slope, zero)});
      k += lanes<T>;
    }
    for (; k < end; k += lanes<T>) put(k, {zero, zero});
  }
}

template <class T>
void activate(Activation kind, long rows, long width, Matrix<T> values, Matrix<T> slope) {
  switch (kind) {
    case Activation::identity: return activate_as<T, Activation::identity>(rows, width, values, slope);
    case Activation::sigmoid: return activate_as<T, Activation::sigmoid>(rows, width, values, slope);
    case Activation::hard_sigmoid:
      return activate_as<T, Activation::hard_sigmoid>(rows, width, values, slope);
    case Activation::tanh: return activate_as<T, Activation::tanh>(rows, width, values, slope);
    case Activation::relu: return activate_as<T, Activation::relu>(rows, width, values, slope);
    case Activation::gelu: return activate_as<T, Activation::gelu>(rows, width, values, slope);
    case Activation::gelu_tanh: return activate_as<T, Activation::gelu_tanh>(rows, width, values, slope);
  }
}

}  // namespace
}  // namespace descend::DESCEND_ISA
