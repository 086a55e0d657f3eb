"""scikit-learn's parameters of a perceptron, said as a Network and an Optimizer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from descend.engines.plan import LAST_BATCH
from descend.engines.protocol import State
from descend.errors import OptionError
from descend.estimators.base import ParameterError
from descend.networks import Dense, Dropout, Network
from descend.networks.activations import ACTIVATIONS
from descend.networks.layers import Layer
from descend.networks.losses import Loss
from descend.optimizers import SGD, Adam, Optimizer, RMSprop

LOGISTIC = "logistic"  # scikit-learn's name for sigmoid
PERCEPTRON_CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({LOGISTIC, *ACTIVATIONS})],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"}), SGD, Adam, RMSprop],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), HasMethods("rates")],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "last_batch": [StrOptions(set(LAST_BATCH))],
    "scoring": [str, callable, None],
    "callbacks": [None, "array-like"],
}


def check_together(parameters: dict[str, Any], judged: bool, partial: bool) -> None:
    """Raises ParameterError for parameters that are fine alone and not together.

    judged : whether fit was given validation rows.  partial : whether partial_fit asks.
    """
    solver, rate = parameters["solver"], parameters["learning_rate"]
    if not isinstance(solver, str) and rate != "constant":
        raise ParameterError(
            "learning_rate is for solvers given by name; an optimizer's own lr takes schedules"
        )
    if solver == "lbfgs" and not isinstance(rate, str):
        raise ParameterError("solver='lbfgs' has no learning rate, and takes no schedule")
    if solver == "lbfgs" and parameters["clip_norm"] is not None:
        raise ParameterError("clip_norm is of a step's gradient, and solver='lbfgs' must see the whole one")
    if solver == "lbfgs" and parameters["callbacks"]:
        raise ParameterError("callbacks are told of each epoch, and solver='lbfgs' has none")
    if solver == "lbfgs" and np.any(parameters["dropout"]) and hidden_units(parameters["hidden_layer_sizes"]):
        raise ParameterError("dropout draws another network each step, and solver='lbfgs' needs one")
    if solver == "lbfgs" and judged:
        raise ParameterError("validation rows are judged after each epoch, and solver='lbfgs' has none")
    if partial and parameters["early_stopping"]:
        raise ParameterError("partial_fit does not support early_stopping=True")


def declared_network(parameters: dict[str, Any], outputs: int, loss: Loss) -> Network:
    """Hidden layers, dropout after each, and a plain last layer.

    Weights start at 0 here: the estimators draw theirs as scikit-learn does.

    Raises
    ------
    ParameterError : a hidden layer without units, or dropout rates that fit neither all layers nor each.
    """
    hidden = hidden_units(parameters["hidden_layer_sizes"])
    activation = parameters["activation"]
    layers: list[Layer] = []
    for units, rate in zip(hidden, _dropout_rates(parameters["dropout"], len(hidden)), strict=True):
        layers.append(Dense(units, "sigmoid" if activation == LOGISTIC else activation, init="zeros"))
        if rate:
            layers.append(Dropout(rate))
    return Network([*layers, Dense(outputs, init="zeros")], loss)


def hidden_units(sizes: Any) -> list[int]:
    """Units of each hidden layer; a number is one layer. Raises ParameterError for one below 1."""
    units = list(sizes) if isinstance(sizes, Iterable) else [sizes]
    for value in units:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ParameterError(f"hidden_layer_sizes must be > 0, whole numbers, got {units}")
    return [int(value) for value in units]


def _dropout_rates(dropout: Any, layers: int) -> list[float]:
    rates = list(dropout) if isinstance(dropout, Iterable) else [dropout] * layers
    if len(rates) != layers:
        raise ParameterError(f"dropout has {len(rates)} rates, and the number of hidden layers is {layers}")
    try:
        return [Dropout(rate).rate for rate in rates]
    except OptionError as error:
        raise ParameterError(f"dropout: {error}") from None


def declared_optimizer(parameters: dict[str, Any], columns: int) -> Optimizer:
    """The optimizer that ``solver`` names, or the one it is.

    columns : output columns over whose losses the engine takes the mean while scikit-learn's gradient is that
        of their sum: ``eps`` is divided by as many, which for these optimizers is the same.
    """
    solver = parameters["solver"]
    if isinstance(solver, str):
        if solver == "sgd":
            momentum = float(parameters["momentum"])
            return SGD(momentum=momentum, nesterov=bool(parameters["nesterovs_momentum"]) and momentum > 0)
        betas = (float(parameters["beta_1"]), float(parameters["beta_2"]))
        solver = Adam(betas=betas, eps=float(parameters["epsilon"]), eps_hat=True)
    if isinstance(solver, Adam | RMSprop):
        return dataclasses.replace(solver, eps=solver.eps / columns)
    return solver


def drawn_parameters(
    network: Network, width: int, dtype: np.dtype[Any], activation: str, random: np.random.RandomState
) -> State:
    """Weights and biases uniform in ±√(6 / (inputs + units)), or ±√(2 / …) before ``logistic``.

    They are drawn in scikit-learn's order, so that one ``random_state`` gives both the same ones.

    Source: X. Glorot, Y. Bengio, AISTATS 2010, eq. 16.
    """
    factor = 2.0 if activation in (LOGISTIC, "sigmoid") else 6.0
    drawn: State = {}
    for place in network.places(width):
        bound = np.sqrt(factor / (place.inputs + place.layer.units))
        shape = (place.inputs, place.layer.units)
        drawn[place.weight] = random.uniform(-bound, bound, shape).astype(dtype, copy=False)
        drawn[place.bias] = random.uniform(-bound, bound, shape[1]).astype(dtype, copy=False)
    return drawn
