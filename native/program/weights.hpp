// Parameters and optimizer slots as the kernels store them, and the way in and out.
#pragma once

#include <vector>

#include "program/buffer.hpp"
#include "program/network.hpp"

namespace descend {

// One parameter in the kernels' layout: value, slots, gradient.
template <class T>
class StoredParameter {
 public:
  // A weight (inputs, outputs), or a bias where inputs is 0.
  StoredParameter(long inputs, long outputs, int slots);

  Parameter<T> view();
  const T* value() const { return value_.data(); }
  long count() const { return (inputs_ ? inputs_ : 1) * outputs_; }
  int slots() const { return static_cast<int>(slots_.size()); }
  void keep_gradient();  // room for it from now on
  void clear_gradient();
  bool finite() const;  // all of the value

  // Which of the arrays: the value, a slot from 0, or the gradient.
  static constexpr int value_part = -1, gradient_part = -2;
  void write(int part, const T* rows);  // from (inputs, outputs) in row order; padding becomes 0
  void read(int part, T* rows) const;

 private:
  long place(long input, long output) const;
  const Buffer<T>& part(int number) const;

  long inputs_, outputs_;
  Buffer<T> value_, gradient_;
  std::vector<Buffer<T>> slots_;
};

// A dense layer's parameters.
template <class T>
struct StoredDense {
  long inputs, outputs;
  Activation activation;
  StoredParameter<T> weight;
  std::vector<StoredParameter<T>> bias;  // none or one
  Buffer<T> transposed;                  // of wide layers that pass deltas on

  Dense<T> view() const;
  void refresh_transposed();
};

template <class T>
class Weights {
 public:
  Weights(const Network& network, int slots);

  std::vector<StoredDense<T>>& layers() { return layers_; }
  const std::vector<StoredDense<T>>& layers() const { return layers_; }

  // Parameters in the order 0.weight, 0.bias, 1.weight, …
  long parameters() const;
  StoredParameter<T>& parameter(long index);
  const StoredParameter<T>& parameter(long index) const {
    return const_cast<Weights*>(this)->parameter(index);
  }
  void refresh_transposed();
  void clear_gradients();

 private:
  std::vector<StoredDense<T>> layers_;
};

}  // namespace descend
