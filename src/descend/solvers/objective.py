"""What a full-batch solver makes small: the mean loss of all rows and a penalty on the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.protocol import Array, Inputs, Program, State
from descend.errors import OptionError
from descend.networks import AbsoluteError, Dropout, Network, Quantile

Vector = NDArray[np.float64]


class Objective:
    """F(W, b) = mean loss + ½ l2 Σ‖W‖² over all weights, biases left out, with its gradient.

    Loss and gradient come from the engine in the program's dtype; the penalty is added in float64.

    Parameters
    ----------
    program : holds ``network``; ``inputs`` are bound to it.
    l2 : of at least 0, per unit of the mean loss: 1 / (C Σ weight) in scikit-learn's terms.

    Raises
    ------
    OptionError : a negative or infinite l2, a network with Dropout, an AbsoluteError or Quantile loss.
    DataError : rows that the engine refuses.
    """

    def __init__(self, program: Program, network: Network, inputs: Inputs, l2: float) -> None:
        _check(network, l2)
        program.bind(inputs)
        self._program, self._l2 = program, l2
        self._rows = np.arange(inputs.rows, dtype=np.int64)
        self._weights = {place.weight for place in network.places(inputs.x.shape[1])}
        self.shapes = network.parameter_shapes(inputs.x.shape[1])
        state = program.state()
        self.dtype: np.dtype[Any] = state[next(iter(self.shapes))].dtype
        self.start = {name: state[name].astype(np.float64) for name in self.shapes}
        self.evaluations = 0

    def rounded(self, parameters: Mapping[str, Array]) -> State:
        """``parameters`` in the program's dtype; what overflows is infinite."""
        with np.errstate(over="ignore"):
            return {name: parameters[name].astype(self.dtype) for name in self.shapes}

    def __call__(self, parameters: Mapping[str, Array]) -> tuple[float, dict[str, Vector]]:
        """F and its gradient at ``parameters``, rounded to the program's dtype; inf where not finite."""
        self.evaluations += 1
        own = self.rounded(parameters)
        gradient = {name: np.zeros(shape) for name, shape in self.shapes.items()}
        if not all(np.isfinite(array).all() for array in own.values()):
            return math.inf, gradient
        self._program.load(own)
        value, found = self._program.gradient(self._rows, 0)
        for name in self.shapes:
            gradient[name] += found[name]
            if name in self._weights and self._l2:
                wide = own[name].astype(np.float64)
                value += 0.5 * self._l2 * float(np.vdot(wide, wide))
                gradient[name] += self._l2 * wide
        finite = math.isfinite(value) and all(np.isfinite(part).all() for part in gradient.values())
        return (value if finite else math.inf), gradient


def _check(network: Network, l2: float) -> None:
    if not 0 <= l2 < math.inf:
        raise OptionError(f"l2 must be a finite number of at least 0, not {l2!r}")
    if any(isinstance(layer, Dropout) for layer in network.layers):
        raise OptionError(
            "a full-batch solver needs one fixed function, and Dropout draws another one each step; "
            "leave it out, or train with an optimizer such as Adam"
        )
    if isinstance(network.loss, AbsoluteError | Quantile):
        raise OptionError(
            f"{type(network.loss).__name__} has no gradient at its optimum; "
            "use Huber with a small delta, or an optimizer"
        )
