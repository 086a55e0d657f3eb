"""What the trainer asks of an engine: a network and arrays in, losses and weights out.

Everything a step needs (rows, rate, decay) is planned outside, so that all engines run the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from descend.engines.plan import Plan
from descend.networks import Network
from descend.optimizers import Optimizer

if TYPE_CHECKING:
    from scipy.sparse import csr_array, csr_matrix

Array = NDArray[Any]
Rows: TypeAlias = "Array | csr_array[Any] | csr_matrix[Any]"
State = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Rows to learn from or to judge by.

    x : (n, inputs), the program's dtype, or uint8 whose values are multiplied by ``scale`` on the way in (all
        others come multiplied); or scipy.sparse rows (CSR) in the program's dtype with ascending columns,
        which stay sparse in memory and give the same bits as the dense table.
    y : (n,) int64 class numbers for CrossEntropy, else (n, outputs) in the program's dtype.
    weight : (n,) of at least 0 in the program's dtype, or None for all 1.
    """

    x: Rows
    y: Array
    weight: Array | None = None
    scale: float = 1.0

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.x.shape[0])


@dataclass(frozen=True, slots=True)
class Chunk:
    """What ``run`` did.

    done : updates made (a step that stopped the run is not counted).
    step_loss : (done,) float64, each batch's loss before its update.
    step_weight : (done,) float64, the loss's divisor: sum of the rows' weights, class weights counted in.
    step_rows : (done,) float64, sum of the rows' own weights (the number of rows where they have none).
    step_correct : (done,) float64, own weights of the rows whose class was right (0 for regression;
        with several yes/no columns, a row counts by its share of right columns).
    seconds : time spent.
    stopped : None where the plan was finished, ``"time"``, or ``"nonfinite"`` where the loss of step
        ``first_step + done`` was not finite and that step made no update.
    """

    done: int
    step_loss: NDArray[np.float64]
    step_weight: NDArray[np.float64]
    step_rows: NDArray[np.float64]
    step_correct: NDArray[np.float64]
    seconds: float
    stopped: Literal["nonfinite", "time"] | None


@dataclass(frozen=True, slots=True)
class Sums:
    """Totals over rows without dropout; ``loss / weight`` is the mean loss, ``correct / rows`` the accuracy.

    weight, loss : sum of weights, class weights counted in, and of weighted losses.
    rows, correct : as a Chunk's step_rows and step_correct.
    """

    weight: float
    loss: float
    rows: float
    correct: float


class Program(Protocol):
    """A network compiled for one engine, with its weights and optimizer state. One caller at a time."""

    def bind(self, inputs: Inputs) -> None:
        """Training rows for ``run`` and ``gradient``; kept, not copied."""

    def run(self, plan: Plan, seconds: float) -> Chunk:
        """Makes the plan's steps, or as many (at least one) as fit into ``seconds``."""

    def gradient(self, rows: NDArray[np.int64], step: int) -> tuple[float, State]:
        """Loss and gradient at the present weights over bound rows, with the dropout of ``step``."""

    def output(self, x: Rows, scale: float = 1.0, inverse_link: bool = False) -> Array:
        """The last layer's output (n, outputs) without dropout.

        inverse_link : its softmax (CrossEntropy), sigmoid (BinaryCrossEntropy), exp (Poisson) or itself.
        """

    def evaluate(self, inputs: Inputs) -> Sums:
        """Totals of loss and right answers."""

    def state(self) -> State:
        """Copies: parameters by name, optimizer slots as ``exp_avg.0.weight``, ``updates`` () int64."""

    def parameters(self) -> State:
        """Copies of the parameters alone, by name."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Sets all of it; slots and updates that are not given become 0."""


# programs, their plans, seconds, threads → a chunk for each
RunTogether = Callable[[Sequence[Program], Sequence[Plan], float, int], list[Chunk]]


class Engine(Protocol):
    """A way to compute. Engines are found by name in the registry."""

    name: str
    capabilities: frozenset[str]

    @property
    def run_together(self) -> RunTogether | None:
        """Runs plans of programs of one shape over the same rows side by side; None where it cannot."""

    def compile(
        self, network: Network, widths: Sequence[int], optimizer: Optimizer,
        dtype: str, threads: int, seed: int,
    ) -> Program:  # fmt: skip
        """A program with the seed's initial weights. ``dtype`` is float32 or float64."""
        ...
