"""Rows that are judged after each epoch: held out of the training rows, or the caller's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from descend.engines.protocol import Inputs, Program, State
from descend.engines.sparse import is_sparse
from descend.errors import DataError
from descend.estimators.base import Array, ParameterError
from descend.estimators.named_errors import data_errors
from descend.training.history import Curve

if TYPE_CHECKING:
    from descend.estimators.perceptron import Perceptron


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows as the engines take them and as the user has them.

    inputs : with the weights of their classes.  weight : the rows' own, (n,) or None.
    constant : what the user is told of each row's loss on top of the engine's, (n,), or None.
    X, y : what a scorer is given.
    """

    inputs: Inputs
    weight: Array | None
    constant: Curve | None
    X: Any
    y: Any

    @property
    def mean_constant(self) -> float:
        """Weighted mean of ``constant``, 0 where there is none."""
        return 0.0 if self.constant is None else float(np.average(self.constant, weights=self.inputs.weight))


def split_rows(
    rows: Rows, fraction: float, stratum: Array | None, random: np.random.RandomState
) -> tuple[NDArray[np.int64], Rows]:
    """Numbers of the rows to learn from, and the ``fraction`` of them that is held out.

    stratum : (n,) or (n, 1) classes whose shares both parts keep, or None. The split is that of scikit-learn.

    Raises
    ------
    DataError : too few rows to hold two out, or a part all of whose rows have weight 0.
    """
    with data_errors():
        kept, held_out = train_test_split(
            np.arange(len(rows.inputs.y)), random_state=random, test_size=fraction, stratify=stratum
        )
    if len(held_out) < 2:
        raise DataError(
            f"The validation set is too small, {len(held_out)} of {len(rows.inputs.y)} rows: raise "
            "validation_fraction or give more rows"
        )
    if rows.inputs.weight is not None:
        _check_weights(rows.inputs.weight[held_out], "rows drawn for validation")
        _check_weights(rows.inputs.weight[kept], "rows left to train on")
    weight, both, constant = (
        None if part is None else part[held_out] for part in (rows.weight, rows.inputs.weight, rows.constant)
    )
    own = Inputs(rows.inputs.x[held_out], rows.inputs.y[held_out], both)
    return kept, Rows(
        own, weight, constant, _safe_indexing(_indexable(rows.X), held_out), _safe_indexing(rows.y, held_out)
    )


def _check_weights(weight: Array, which: str) -> None:
    """Raises DataError where no row counts; ``which`` names the rows."""
    if not weight.any():
        raise DataError(
            f"all {len(weight)} {which} have weight 0: leave rows of weight 0 out, or change "
            "validation_fraction or random_state"
        )


def _indexable(X: Any) -> Any:
    """X as it came, or as CSR where it is sparse: COO, DIA and BSR know no rows."""
    return X.tocsr() if is_sparse(X) else X


class Judge:
    """Loss and score after an epoch of the held-out rows, and the score of the training rows where asked for.

    loss_scale : what the engine's loss is multiplied by.  learnt : the training rows, or None.
    """

    def __init__(
        self, estimator: Perceptron, program: Program, loss_scale: float, held_out: Rows, learnt: Rows | None
    ) -> None:
        self._estimator, self._program, self._loss_scale = estimator, program, loss_scale
        self._held_out, self._learnt = held_out, learnt
        self._scorer = None
        if estimator.scoring is not None:
            try:
                self._scorer = check_scoring(estimator, estimator.scoring)
            except ValueError as error:
                raise ParameterError(str(error)) from None

    def __call__(self, state: State) -> tuple[float, float, float | None]:
        """Validation loss, validation score, training score; no scores where the loss is not finite."""
        if self._scorer is not None:
            self._estimator._keep(state)
        sums = self._program.evaluate(self._held_out.inputs)
        loss = sums.loss / sums.weight * self._loss_scale + self._held_out.mean_constant
        if not math.isfinite(loss):
            return loss, math.nan, None
        training = None if self._learnt is None else self._score(self._learnt)
        return loss, self._score(self._held_out), training

    def _score(self, rows: Rows) -> float:
        if self._scorer is None:
            return self._estimator._score_of(self._program.output(rows.inputs.x, inverse_link=True), rows)
        weight = {} if rows.weight is None else {"sample_weight": rows.weight}
        score = self._scorer(self._estimator, rows.X, rows.y, **weight)
        if not isinstance(score, Real) or math.isnan(score):
            raise ParameterError(
                f"scoring must give a number, and gave {score!r} for {len(rows.inputs.y)} rows"
            )
        return float(score)
