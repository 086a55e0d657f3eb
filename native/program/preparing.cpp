// What a step needs to know before it begins: the weights' sums and the update's scalars.
#include <cmath>
#include <limits>

#include "program/training.hpp"

namespace descend {
namespace {

// Slots below are stored as 0, as optimizers/slots.py says.
template <class T>
constexpr T least_moment = T(0x1p-100);
template <class T>
constexpr T least_square = std::numeric_limits<T>::min();

// By squaring, for libraries' pow differs in the last bit.
double power(double base, long exponent) {
  double result = 1.0;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

}  // namespace

template <class T>
Update<T> Training<T>::update(double rate, double decay) const {
  const OptimizerOptions& o = program_.optimizer_;
  const long number = program_.updates + 1;
  Update<T> u{};
  u.kind = o.kind;
  u.store_only = store_only_;
  u.plain = !store_only_ && o.kind == OptimizerKind::sgd && o.momentum == 0;
  u.first = number == 1;
  u.nesterov = o.nesterov;
  u.centered = o.centered;
  u.amsgrad = o.amsgrad;
  u.rate = static_cast<T>(rate);
  u.decay = static_cast<T>(decay);
  u.keep = static_cast<T>(1 - rate * decay);
  u.momentum = static_cast<T>(o.momentum);
  u.damped = static_cast<T>(1 - o.dampening);
  u.alpha = static_cast<T>(o.alpha);
  u.one_minus_alpha = static_cast<T>(1 - o.alpha);
  u.eps = static_cast<T>(o.eps);
  u.one_minus_beta1 = static_cast<T>(1 - o.beta1);
  u.beta2 = static_cast<T>(o.beta2);
  u.least_moment = least_moment<T>;
  u.least_square = o.eps > 0 ? least_square<T> : T(0);
  u.one_minus_beta2 = static_cast<T>(1 - o.beta2);
  if (o.kind == OptimizerKind::adam || o.kind == OptimizerKind::adamw) {
    u.step_size = static_cast<T>(rate / (1 - power(o.beta1, number)));
    const double correction = std::sqrt(1 - power(o.beta2, number));
    u.root_correction = static_cast<T>(correction);
    if (o.eps_hat) u.eps = static_cast<T>(o.eps / correction);
  }
  return u;
}

template <class T>
void Training<T>::prepare(Step<T>& step, double rate, const double* decay) const {
  Source rows = data_.source;
  rows.numbers = step.rows.numbers;
  step.sums = program_.weigh(data_, rows, step.rows.count);
  for (std::size_t i = 0; i < step.updates.size(); ++i) {
    if (i > 0 && decay[i] == decay[i - 1])
      step.updates[i] = step.updates[i - 1];
    else
      step.updates[i] = update(rate, decay[i]);
  }
}

template Update<float> Training<float>::update(double, double) const;
template Update<double> Training<double>::update(double, double) const;
template void Training<float>::prepare(Step<float>&, double, const double*) const;
template void Training<double>::prepare(Step<double>&, double, const double*) const;

}  // namespace descend
