// Steps whose gradient is scaled where its norm is too large: stored, measured, and only then used.
#include <cmath>

#include "program/training.hpp"

namespace descend {
namespace {

constexpr double clip_eps = 1e-6;  // torch.nn.utils.clip_grad_norm_ adds it to the norm

// Sixteen sums side by side, added up in one order. count: a multiple of 16.
template <class T>
double sum_of_squares(const T* values, long count) {
  double lane[narrow_width] = {};
  for (long k = 0; k < count; k += narrow_width)
    for (long i = 0; i < narrow_width; ++i) {
      const double value = static_cast<double>(values[k + i]);
      lane[i] += value * value;
    }
  double sum = 0;
  for (double part : lane) sum += part;
  return sum;
}

// Of the gradients that an item has stored.
template <class T>
double squared_gradients(const Backward<T>& b, long panel, long first, long last) {
  const long column = panel * panel_width;
  double sum =
      first == 0 && b.bias.value ? sum_of_squares(b.bias.gradient + column, delta_width(b.outputs)) : 0.0;
  if (!is_narrow(b.outputs))
    return sum + sum_of_squares(b.weight.gradient + (panel * b.inputs + first) * panel_width,
                                (last - first) * panel_width);
  for (long c = 0; c < b.outputs; ++c)
    sum += sum_of_squares(b.weight.gradient + c * padded(b.inputs) + first,
                          round_up(last - first, narrow_width));
  return sum;
}

}  // namespace

template <class T>
void Training<T>::clip(double norm) {
  clip_ = norm;
  if (!clips()) return;
  Weights<T>& weights = program_.weights_;
  for (long i = 0; i < weights.parameters(); ++i) weights.parameter(i).keep_gradient();
}

// After an item has stored its gradients.
template <class T>
void Training<T>::measure(std::size_t item, const Backward<T>& back) {
  squares_[item] = squared_gradients(back, items_[item].panel, items_[item].first, items_[item].last);
}

template <class T>
void Training<T>::update_clipped(const Step<T>& step, int thread) {
  double squares = 0;
  for (double part : squares_) squares += part;
  const double scale = clip_ / (std::sqrt(squares) + clip_eps);
  const T factor = scale < 1 ? static_cast<T>(scale) : T(1);
  for (std::size_t i = share_[static_cast<std::size_t>(thread)];
       i < share_[static_cast<std::size_t>(thread) + 1]; ++i) {
    const Item& item = items_[i];
    program_.kernels_.apply(backward(step, data_.source, 0, 0, item.layer, false), item.panel, item.first,
                            item.last, factor);
  }
}

template void Training<float>::clip(double);
template void Training<double>::clip(double);
template void Training<float>::measure(std::size_t, const Backward<float>&);
template void Training<double>::measure(std::size_t, const Backward<double>&);
template void Training<float>::update_clipped(const Step<float>&, int);
template void Training<double>::update_clipped(const Step<double>&, int);

}  // namespace descend
