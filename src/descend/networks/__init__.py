"""Networks as declarations: layers, activations, losses, initial weights."""

from descend.networks.layers import Dense, Dropout, Layer
from descend.networks.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Poisson,
    Quantile,
    RegressionLoss,
    SquaredError,
)
from descend.networks.network import Network, Place

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Dense",
    "Dropout",
    "Huber",
    "Layer",
    "Loss",
    "Network",
    "Place",
    "Poisson",
    "Quantile",
    "RegressionLoss",
    "SquaredError",
]
