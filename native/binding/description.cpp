#include "binding/description.hpp"

#include <cmath>

#include "binding/arrays.hpp"

namespace descend::binding {
namespace {

constexpr long most_units = 1L << 24;
constexpr double most_parameters = 1e11;

bool within(double value, double least, double most) { return value >= least && value <= most; }

template <class Enumeration>
Enumeration checked_kind(int number, Enumeration last, const char* name) {
  if (number < 0 || number > static_cast<int>(last)) refuse(std::string("unknown ") + name);
  return static_cast<Enumeration>(number);
}

LossOptions checked_loss(const LossTuple& given, long outputs) {
  const auto& [kind, parameter, smoothing, class_weight] = given;
  LossOptions loss{checked_kind(kind, LossKind::binary_cross_entropy, "loss"), parameter, smoothing,
                   class_weight};
  if (loss.kind == LossKind::huber && !(std::isfinite(parameter) && parameter > 0))
    refuse("huber's delta must be a finite number above 0");
  if (loss.kind == LossKind::quantile && !(parameter > 0 && parameter < 1))
    refuse("the quantile's level must lie between 0 and 1");
  if (!within(smoothing, 0, 1)) refuse("label smoothing must be from 0 to 1");
  const bool classes = loss.kind == LossKind::cross_entropy,
             binary = loss.kind == LossKind::binary_cross_entropy;
  if (classes && outputs < 2) refuse("cross-entropy needs at least 2 outputs");
  const std::size_t expected = binary ? 2 : classes ? static_cast<std::size_t>(outputs) : 0;
  if (!class_weight.empty() && class_weight.size() != expected) refuse("wrong number of class weights");
  for (double weight : class_weight)
    if (!(std::isfinite(weight) && weight >= 0)) refuse("class weights must be finite numbers of at least 0");
  return loss;
}

}  // namespace

Network checked_network(long inputs, const std::vector<LayerTuple>& layers, const LossTuple& loss) {
  if (inputs < 1 || inputs > most_units) refuse("the number of inputs must be from 1 to 2**24");
  Network network{inputs, {}, {}};
  long width = inputs;
  double parameters = 0;
  for (const auto& [units, activation, bias, rate] : layers) {
    if (units < 0 || units > most_units) refuse("a layer's units must be from 1 to 2**24");
    if (!(rate >= 0 && rate < 1)) refuse("a dropout's rate must be at least 0 and below 1");
    network.layers.push_back(
        {units, checked_kind(activation, Activation::gelu_tanh, "activation"), bias, rate});
    if (units == 0) continue;
    parameters += static_cast<double>(width) * static_cast<double>(units);
    width = units;
  }
  if (layers.empty() || network.layers.back().dropout()) refuse("the last layer must be dense");
  if (parameters > most_parameters) refuse("the network has too many weights");
  network.loss = checked_loss(loss, network.outputs());
  return network;
}

OptimizerOptions checked_optimizer(const OptimizerTuple& given) {
  const auto& [kind, momentum, dampening, nesterov, alpha, centered, beta1, beta2, eps, amsgrad, eps_hat] =
      given;
  for (double value : {momentum, dampening, eps})
    if (!(std::isfinite(value) && value >= 0))
      refuse("momentum, dampening and eps must be finite numbers of at least 0");
  for (double value : {alpha, beta1, beta2})
    if (!(value >= 0 && value < 1)) refuse("alpha and betas must be at least 0 and below 1");
  return {checked_kind(kind, OptimizerKind::adamw, "optimizer"),
          momentum,
          dampening,
          nesterov,
          alpha,
          centered,
          beta1,
          beta2,
          eps,
          amsgrad,
          eps_hat};
}

}  // namespace descend::binding
