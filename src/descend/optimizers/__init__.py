"""Optimizers and learning-rate schedules as declarations."""

from descend.optimizers.adam import Adam, AdamW
from descend.optimizers.optimizer import Decay, Rate, parameter_decay, step_rates
from descend.optimizers.rmsprop import RMSprop
from descend.optimizers.sgd import SGD

Optimizer = SGD | RMSprop | Adam

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Decay",
    "Optimizer",
    "RMSprop",
    "Rate",
    "parameter_decay",
    "step_rates",
]
