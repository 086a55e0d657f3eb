#include "program/workspace.hpp"

namespace descend {

template <class T>
Workspace<T>::Workspace(const Weights<T>& weights, long rows, bool training, bool gathered)
    : rows_(rows), loss_(rows), correct_(rows) {
  const auto& layers = weights.layers();
  if (gathered) shape(input_, layers.front().inputs);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& layer = layers[i];
    widths_.push_back(layer.outputs);
    shape(outputs_.emplace_back(), layer.outputs);
    slopes_.emplace_back();
    deltas_.emplace_back();
    if (!training) continue;
    const bool last = i + 1 == layers.size();
    if (!last || layer.activation != Activation::identity) shape(slopes_.back(), layer.outputs);
    deltas_.back().resize(rows * round_up(layer.outputs, delta_width(layer.outputs)));
  }
}

template <class T>
void Workspace<T>::shape(Grid& grid, long width) {
  grid.stride = padded(width);
  grid.values.resize(rows_ * grid.stride);
}

template <class T>
long Workspace<T>::row_bytes(const Weights<T>& weights, bool gathered) {
  long values = gathered ? padded(weights.layers().front().inputs) : 0;
  for (const auto& layer : weights.layers()) values += 3 * padded(layer.outputs);
  return values * static_cast<long>(sizeof(T));
}

template <class T>
Delta<T> Workspace<T>::delta(std::size_t layer, long row) {
  const long width = delta_width(widths_[layer]);
  return {deltas_[layer].data() + row * width, rows_ * width, widths_[layer]};
}

template class Workspace<float>;
template class Workspace<double>;

}  // namespace descend
