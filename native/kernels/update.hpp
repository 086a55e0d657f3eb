// Update: one optimizer step on a block of a parameter. Formulas: optimizers/*.py.
#pragma once

#include "kernels/simd.hpp"

namespace descend::DESCEND_ISA {
namespace {

// Rows of values `stride` apart with their gradients `gradient_stride` apart; of each row `columns`
// are stored, those from `valid` on are padding and stay 0.
template <class T>
struct Block {
  Parameter<T> at;
  long rows, stride, columns, valid;
  const T* gradient;
  long gradient_stride;
};

// What a slot keeps of a value: 0 where it has died away.
template <class T>
DESCEND_INLINE Vector<T> kept(Vector<T> value, T least) {
  return select<T>(absolute<T>(value) < least, Vector<T>{}, value);
}

template <class T>
DESCEND_INLINE Vector<T> sgd(const Update<T>& u, Vector<T> w, Vector<T> g, T* momentum_buffer) {
  g = g + u.decay * w;
  if (momentum_buffer) {
    const Vector<T> v = u.first ? g : u.momentum * load(momentum_buffer) + u.damped * g;
    store(momentum_buffer, kept<T>(v, u.least_moment));
    g = u.nesterov ? g + u.momentum * v : v;
  }
  return w - u.rate * g;
}

template <class T>
DESCEND_INLINE Vector<T> rmsprop(const Update<T>& u, Vector<T> w, Vector<T> g, T* const (&slot)[most_slots]) {
  g = g + u.decay * w;
  const Vector<T> s = u.alpha * load(slot[0]) + u.one_minus_alpha * g * g;
  store(slot[0], kept<T>(s, u.least_square));
  Vector<T> spread = s;
  if (u.centered) {
    T* grad_avg = slot[u.momentum != T(0) ? 2 : 1];
    const Vector<T> old = load(grad_avg);
    const Vector<T> m = old + u.one_minus_alpha * (g - old);
    store(grad_avg, kept<T>(m, u.least_moment));
    spread = s - m * m;
  }
  Vector<T> step = g / (root(spread) + u.eps);
  if (u.momentum != T(0)) {
    step = u.momentum * load(slot[1]) + step;
    store(slot[1], kept<T>(step, u.least_moment));
  }
  return w - u.rate * step;
}

template <class T, OptimizerKind kind>
DESCEND_INLINE Vector<T> adam(const Update<T>& u, Vector<T> w, Vector<T> g, T* const (&slot)[most_slots]) {
  if (kind == OptimizerKind::adamw)
    w = w * u.keep;
  else
    g = g + u.decay * w;
  const Vector<T> old = load(slot[0]);
  const Vector<T> m = old + u.one_minus_beta1 * (g - old);
  Vector<T> s = u.beta2 * load(slot[1]) + u.one_minus_beta2 * g * g;
  store(slot[0], kept<T>(m, u.least_moment));
  store(slot[1], kept<T>(s, u.least_square));
  if (u.amsgrad) {
    const Vector<T> most = load(slot[2]);
    s = select<T>(most > s, most, s);
    store(slot[2], kept<T>(s, u.least_square));
  }
  const Vector<T> d = root(s) / u.root_correction + u.eps;
  return w - u.step_size * (m / d);
}

template <class T, OptimizerKind kind>
DESCEND_INLINE void update_vector(const Update<T>& u, const Parameter<T>& at, long offset, Vector<T> g,
                                  Mask<T> real) {
  T* const slot[most_slots] = {at.slots[0] ? at.slots[0] + offset : nullptr,
                               at.slots[1] ? at.slots[1] + offset : nullptr,
                               at.slots[2] ? at.slots[2] + offset : nullptr};
  Vector<T> w = load(at.value + offset);
  if constexpr (kind == OptimizerKind::sgd)
    w = sgd<T>(u, w, g, slot[0]);
  else if constexpr (kind == OptimizerKind::rmsprop)
    w = rmsprop<T>(u, w, g, slot);
  else
    w = adam<T, kind>(u, w, g, slot);
  // With eps = 0 the step of padding would be 0 / 0.
  store(at.value + offset, select<T>(real, w, Vector<T>{}));
}

// sgd without momentum, whose padding stays 0 by itself.
template <class T>
DESCEND_INLINE Vector<T> plain_step(const Update<T>& u, T* at, Vector<T> g) {
  const Vector<T> w = sgd<T>(u, load(at), g, nullptr);
  store(at, w);
  return w;
}

// body(offset, gradient, which of them are no padding) for each vector of a block.
template <class T, class Body>
DESCEND_INLINE void for_vectors(const Block<T>& block, const Body& body) {
  for (long k = 0; k < block.columns; k += lanes<T>) {
    const Mask<T> real = columns_before<T>(k, block.valid);
    for (long r = 0; r < block.rows; ++r)
      body(r * block.stride + k,
           select<T>(real, load(block.gradient + r * block.gradient_stride + k), Vector<T>{}), real);
  }
}

template <class T, OptimizerKind kind>
DESCEND_INLINE void update_block(const Update<T>& update, const Block<T>& block) {
  const Update<T> u = update;  // a copy that no store can change: its numbers stay in registers
  const Parameter<T> at = block.at;
  for_vectors(
      block, [&](long offset, Vector<T> g, Mask<T> real) { update_vector<T, kind>(u, at, offset, g, real); });
}

template <class T>
__attribute__((noinline)) void finish(const Update<T>& u, const Block<T>& block, bool store_only) {
  if (store_only) {
    for_vectors(block, [&](long offset, Vector<T> g, Mask<T>) { store(block.at.gradient + offset, g); });
    return;
  }
  switch (u.kind) {
    case OptimizerKind::sgd: return update_block<T, OptimizerKind::sgd>(u, block);
    case OptimizerKind::rmsprop: return update_block<T, OptimizerKind::rmsprop>(u, block);
    case OptimizerKind::adam: return update_block<T, OptimizerKind::adam>(u, block);
    case OptimizerKind::adamw: return update_block<T, OptimizerKind::adamw>(u, block);
  }
}

template <class T>
DESCEND_INLINE Parameter<T> moved(const Parameter<T>& from, long offset) {
  Parameter<T> to = from;
  to.value += offset;
  for (T*& slot : to.slots)
    if (slot) slot += offset;
  if (to.gradient) to.gradient += offset;
  return to;
}

}  // namespace
}  // namespace descend::DESCEND_ISA
