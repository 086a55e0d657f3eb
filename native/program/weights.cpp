#include "program/weights.hpp"

#include <algorithm>
#include <stdexcept>

#include "program/finite.hpp"

namespace descend {

template <class T>
StoredParameter<T>::StoredParameter(long inputs, long outputs, int slots)
    : inputs_(inputs), outputs_(outputs) {
  long size = padded(outputs);
  if (inputs) size = is_narrow(outputs) ? outputs * padded(inputs) : padded(outputs) * inputs;
  value_.resize(size);
  for (int i = 0; i < slots; ++i) slots_.emplace_back(size);
}

template <class T>
Parameter<T> StoredParameter<T>::view() {
  Parameter<T> view{value_.data(), {nullptr, nullptr, nullptr}, gradient_.data()};
  for (int i = 0; i < slots(); ++i) view.slots[i] = slots_[static_cast<std::size_t>(i)].data();
  return view;
}

template <class T>
void StoredParameter<T>::keep_gradient() {
  if (gradient_.size() == 0) gradient_.resize(value_.size());
}

template <class T>
void StoredParameter<T>::clear_gradient() {
  std::fill_n(gradient_.data(), gradient_.size(), T(0));
}

template <class T>
bool StoredParameter<T>::finite() const {
  return all_finite(value_.data(), value_.size());
}

template <class T>
long StoredParameter<T>::place(long input, long output) const {
  if (!inputs_) return output;
  if (is_narrow(outputs_)) return output * padded(inputs_) + input;
  return (output / panel_width * inputs_ + input) * panel_width + output % panel_width;
}

template <class T>
const Buffer<T>& StoredParameter<T>::part(int number) const {
  if (number == value_part) return value_;
  if (number == gradient_part) return gradient_;
  return slots_.at(static_cast<std::size_t>(number));
}

template <class T>
void StoredParameter<T>::write(int number, const T* rows) {
  Buffer<T>& to = const_cast<Buffer<T>&>(part(number));
  std::fill_n(to.data(), to.size(), T(0));  // padding that an overflow has left NaN
  for (long k = 0; k < std::max(inputs_, 1L); ++k)
    for (long j = 0; j < outputs_; ++j) to[place(k, j)] = *rows++;
}

template <class T>
void StoredParameter<T>::read(int number, T* rows) const {
  const T* from = part(number).data();
  const bool narrow = inputs_ && is_narrow(outputs_);
  for (long k = 0; k < std::max(inputs_, 1L); ++k)
    if (narrow)
      for (long j = 0; j < outputs_; ++j) *rows++ = from[place(k, j)];
    else  // a panel's columns lie side by side
      for (long j = 0; j < outputs_; j += panel_width)
        rows = std::copy_n(from + place(k, j), std::min(panel_width, outputs_ - j), rows);
}

template <class T>
Dense<T> StoredDense<T>::view() const {
  return {inputs, outputs, weight.value(), bias.empty() ? nullptr : bias.front().value(),
          transposed.size() ? transposed.data() : nullptr};
}

template <class T>
void StoredDense<T>::refresh_transposed() {
  if (!transposed.size()) return;
  for (long k = 0; k < inputs; ++k)
    for (long j = 0; j < outputs; ++j)
      transposed[(k / panel_width * outputs + j) * panel_width + k % panel_width] =
          weight.value()[(j / panel_width * inputs + k) * panel_width + j % panel_width];
}

template <class T>
Weights<T>::Weights(const Network& network, int slots) {
  long width = network.inputs;
  for (const Layer& layer : network.layers) {
    if (layer.dropout()) continue;
    StoredDense<T> dense{width, layer.units, layer.activation, {width, layer.units, slots}, {}, {}};
    if (layer.bias) dense.bias.emplace_back(0, layer.units, slots);
    if (!layers_.empty() && !is_narrow(layer.units)) dense.transposed.resize(padded(width) * layer.units);
    layers_.push_back(std::move(dense));
    width = layer.units;
  }
}

template <class T>
long Weights<T>::parameters() const {
  long count = 0;
  for (const auto& layer : layers_) count += 1 + static_cast<long>(layer.bias.size());
  return count;
}

template <class T>
StoredParameter<T>& Weights<T>::parameter(long index) {
  for (auto& layer : layers_) {
    if (index-- == 0) return layer.weight;
    if (!layer.bias.empty() && index-- == 0) return layer.bias.front();
  }
  throw std::out_of_range("no parameter has this number");
}

template <class T>
void Weights<T>::refresh_transposed() {
  for (auto& layer : layers_) layer.refresh_transposed();
}

template <class T>
void Weights<T>::clear_gradients() {
  for (long i = 0; i < parameters(); ++i) parameter(i).clear_gradient();
}

template class StoredParameter<float>;
template class StoredParameter<double>;
template struct StoredDense<float>;
template struct StoredDense<double>;
template class Weights<float>;
template class Weights<double>;

}  // namespace descend
