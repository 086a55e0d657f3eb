#include "program/workspace.hpp"

namespace descend {

template <class T>
Workspace<T>::Workspace(const Weights<T>& weights, long rows, bool training, bool gathered)
    : rows_(rows), inputs_(weights.layers().front().inputs), loss_(rows), correct_(rows) {
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
void Workspace<T>::list_filled(long block) {
  if (filled_.inputs) return;
  filled_.inputs = inputs_;
  filled_.capacity = round_up(rows_, 8);
  if (input_.values.size()) {
    const long pairs = filled_.capacity / 2;
    filled_columns_.resize(pairs * filled_.columns_stride());
    pair_values_.resize(filled_.capacity * filled_.columns_stride());
    segment_end_.resize(pairs * filled_.segments());
    filled_.columns = filled_columns_.data();
    filled_.pair_values = pair_values_.data();
    filled_.segment_end = segment_end_.data();
  }
  if (deltas_.back().size() == 0) return;
  // Blocks are marked eight or sixteen at a time.
  marks_.resize((inputs_ / (8 * block) + 2) * filled_.capacity);
  filled_.marks = marks_.data();
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
