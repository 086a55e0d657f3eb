"""Which rows every step reads, and with which rate and decay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from descend import streams
from descend.errors import OptionError, choices

LastBatch = Literal["keep", "drop", "wrap"]
LAST_BATCH: tuple[LastBatch, ...] = ("keep", "drop", "wrap")


@dataclass(frozen=True, slots=True)
class Order:
    """Batches cut from an order of the rows that is drawn anew each epoch.

    seed, rows : whose stream, and how many rows there are.
    subset : numbers of the table's rows that the order is of, (rows,) int64; None for rows 0 … rows − 1.
    size : rows in a batch.
    last : the rows left over at an epoch's end are a short batch (``keep``), left out (``drop``), or
        filled up with the first rows of the next epoch's order, which still runs whole (``wrap``).
    shuffle : False keeps the rows' own order.
    replacement : draw rows with replacement instead of permuting them.

    Raises
    ------
    OptionError : no rows, a size below 1, an unknown ``last``, or ``drop`` with fewer rows than a batch.
    """

    seed: int
    rows: int
    size: int
    last: LastBatch = "keep"
    shuffle: bool = True
    replacement: bool = False
    subset: NDArray[np.int64] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.rows < 1 or self.size < 1:
            raise OptionError(
                f"a batch of {self.size} cannot be cut from {self.rows} rows; both are at least 1"
            )
        if self.last not in LAST_BATCH:
            raise OptionError(f"unknown last_batch {self.last!r}; {choices(self.last, LAST_BATCH)}")
        if self.per_epoch == 0:
            raise OptionError(
                f"last_batch 'drop' leaves no batch: {self.rows} rows are fewer than a batch of {self.size}"
            )

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return self.rows // self.size if self.last == "drop" else -(-self.rows // self.size)

    def epoch(self, number: int) -> NDArray[np.int64]:
        """All rows in the order of epoch ``number``, (rows,)."""
        places = self._places(number)
        return places if self.subset is None else self.subset[places]

    def _places(self, number: int) -> NDArray[np.int64]:
        if self.replacement:
            return streams.draws(self.seed, streams.ORDER, number, self.rows)
        if self.shuffle:
            return streams.permutation(self.seed, streams.ORDER, number, self.rows)
        return np.arange(self.rows, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Explicit:
    """Batches listed by hand: step ``first + s`` reads rows[offsets[s] : offsets[s + 1]].

    rows : (total,) int64.  offsets : (steps + 1,) int64, ascending.
    """

    rows: NDArray[np.int64]
    offsets: NDArray[np.int64]
    first: int = 0

    def offsets_from(self, step: int) -> NDArray[np.int64]:
        """Where the batch at ``step`` begins, those after it, and where the last one ends."""
        return self.offsets[step - self.first :]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps ``first_step`` … ``first_step + steps − 1``.

    rate : (steps,) float64.
    decay : (parameters,) or (steps, parameters) float64, in the order of Network.parameter_shapes.
    clip : largest norm of a step's gradient, above 0, or None. With ‖g‖ over all parameters together, of the
        data loss alone (before weight decay), g becomes g · min(1, clip / (‖g‖ + 1e-6)).

    Source of clip: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
    networks", 2013; torch.nn.utils.clip_grad_norm_.
    """

    first_step: int
    steps: int
    batches: Order | Explicit
    rate: NDArray[np.float64]
    decay: NDArray[np.float64]
    clip: float | None = None


class Batches:
    """Row numbers of any step; keeps the orders of the epochs last asked for."""

    def __init__(self, batches: Order | Explicit) -> None:
        self._batches = batches
        self._orders: dict[int, NDArray[np.int64]] = {}

    def rows(self, step: int) -> NDArray[np.int64]:
        """Rows of the batch at ``step``, (batch,) int64."""
        batches = self._batches
        if isinstance(batches, Explicit):
            begin, end = batches.offsets_from(step)[:2]
            return batches.rows[begin:end]
        number, place = divmod(step, batches.per_epoch)
        start = place * batches.size
        chosen = self._order(number)[start : start + batches.size]
        missing = batches.size - len(chosen)
        if batches.last != "wrap" or missing == 0:
            return chosen
        # A batch larger than the table takes the next order more than once.
        following = np.resize(self._order(number + 1), missing)
        return np.concatenate((chosen, following))

    def _order(self, number: int) -> NDArray[np.int64]:
        assert isinstance(self._batches, Order)
        if number not in self._orders:
            self._orders = {k: v for k, v in self._orders.items() if k in (number - 1, number + 1)}
            self._orders[number] = self._batches.epoch(number)
        return self._orders[number]
