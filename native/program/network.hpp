// What a program computes, as the binding has checked it.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/interface.hpp"

namespace descend {

struct Layer {
  long units;  // 0: a dropout
  Activation activation;
  bool bias;
  double rate;  // of a dropout

  bool dropout() const { return units == 0; }
};

struct LossOptions {
  LossKind kind;
  double parameter, smoothing;
  std::vector<double> class_weight;  // empty for all 1
};

struct OptimizerOptions {
  OptimizerKind kind;
  double momentum, dampening;
  bool nesterov;
  double alpha;
  bool centered;
  double beta1, beta2, eps;
  bool amsgrad, eps_hat;

  int slots() const {
    switch (kind) {
      case OptimizerKind::sgd: return momentum != 0;
      case OptimizerKind::rmsprop: return 1 + (momentum != 0) + centered;
      default: return 2 + amsgrad;
    }
  }
};

struct Network {
  long inputs;
  std::vector<Layer> layers;
  LossOptions loss;

  long outputs() const { return layers.back().units; }
};

}  // namespace descend
