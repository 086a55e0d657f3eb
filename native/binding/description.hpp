// A network and an optimizer as Python hands them over, and their check.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "program/network.hpp"

namespace descend::binding {

// units (0: a dropout), activation, bias, rate of the dropout
using LayerTuple = std::tuple<long, int, bool, double>;
// kind, huber's delta or the quantile's level, label smoothing, class weights (none for all 1)
using LossTuple = std::tuple<int, double, double, std::vector<double>>;
// kind, momentum, dampening, nesterov, alpha, centered, beta1, beta2, eps, amsgrad, eps_hat
using OptimizerTuple =
    std::tuple<int, double, double, bool, double, bool, double, double, double, bool, bool>;

// Raise ValueError in Python.
Network checked_network(long inputs, const std::vector<LayerTuple>& layers, const LossTuple& loss);
OptimizerOptions checked_optimizer(const OptimizerTuple& optimizer);

}  // namespace descend::binding
