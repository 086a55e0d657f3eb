// Which parts of the gradient product each thread makes.
#include <algorithm>

#include "program/training.hpp"

namespace descend {
namespace {

constexpr long inputs_per_item = 48;  // a multiple of all tile heights
constexpr long narrow_inputs_per_item = 2 * panel_width;

}  // namespace

template <class T>
void Training<T>::list_items(int threads) {
  const auto& layers = program_.weights_.layers();
  items_.clear();
  cost_.clear();
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const long inputs = layers[layer].inputs, outputs = layers[layer].outputs;
    const bool narrow = is_narrow(outputs);
    const long panels = narrow ? 1 : padded(outputs) / panel_width;
    const long step = narrow ? narrow_inputs_per_item : inputs_per_item;
    // Where zeros are left out, what was listed of some inputs serves all panels of a thread.
    const long together =
        leaves_out_zeros_ && layer == 0 && !clips() && panels % threads == 0 ? panels / threads : 1;
    for (long panel = 0; panel < panels; panel += together)
      for (long first = 0; first < inputs; first += step) {
        const long last = std::min(first + step, inputs);
        items_.push_back({layer, panel, panel + together, first, last});
        cost_.push_back(static_cast<double>((last - first) * (narrow ? outputs : together * panel_width)));
      }
  }
}

template <class T>
void Training<T>::share_items(int threads) {
  list_items(threads);
  squares_.resize(clips() ? items_.size() : 0);
  double all = 0, before = 0;
  for (double cost : cost_) all += cost;
  share_.assign(static_cast<std::size_t>(threads) + 1, items_.size());
  share_[0] = 0;
  int thread = 1;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    while (thread < threads && (before + cost_[i] / 2) * threads >= all * thread)
      share_[static_cast<std::size_t>(thread++)] = i;
    before += cost_[i];
  }
}

template void Training<float>::share_items(int);
template void Training<double>::share_items(int);

}  // namespace descend
