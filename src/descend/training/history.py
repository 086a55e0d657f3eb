"""What a training run recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class History:
    """One value per epoch, and the loss of every step. All arrays are float64.

    loss : mean over the epoch's rows of the loss before each update, (epochs,).
    accuracy : share of the epoch's rows whose class was right before the update, (epochs,), or None
        for regression.
    validation_loss, validation_accuracy : after each epoch, without dropout, (epochs,), or None.
    rate : learning rate of the epoch's last step, (epochs,).
    seconds : since training began, at each epoch's end, (epochs,).
    step_loss : loss of each step's batch before its update, (steps,).

    Losses are in the units the network sees: where the target was standardised, of the standardised one.
    """

    loss: Curve
    accuracy: Curve | None
    validation_loss: Curve | None
    validation_accuracy: Curve | None
    rate: Curve
    seconds: Curve
    step_loss: Curve

    @property
    def epochs(self) -> int:
        """Number of epochs recorded, a last one cut short included."""
        return len(self.loss)

    def columns(self) -> dict[str, Curve]:
        """The recorded curves by name, each (epochs,), without those that are None."""
        curves = {
            "epoch": np.arange(1.0, self.epochs + 1),
            "loss": self.loss,
            "accuracy": self.accuracy,
            "validation_loss": self.validation_loss,
            "validation_accuracy": self.validation_accuracy,
            "rate": self.rate,
            "seconds": self.seconds,
        }
        return {name: curve for name, curve in curves.items() if curve is not None}

    def __getitem__(self, name: str) -> Curve:
        """A curve by its name."""
        return self.columns()[name]


class Recorder:
    """Collects chunks of steps and turns them into a History."""

    def __init__(self, per_epoch: int, classifies: bool) -> None:
        self._per_epoch = per_epoch
        self._classifies = classifies
        self._parts: list[NDArray[np.float64]] = []
        self._marks: list[tuple[int, float]] = [(0, 0.0)]
        self._validation: list[tuple[float, float]] = []

    def steps(self, columns: NDArray[np.float64], clock: float) -> None:
        """Adds a chunk: (5, done) loss, weight, rows, correct, rate; ``clock`` seconds since the start."""
        self._parts.append(columns)
        self._marks.append((self._marks[-1][0] + columns.shape[1], clock))

    def validation(self, loss: float, accuracy: float) -> None:
        """Adds an epoch's validation."""
        self._validation.append((loss, accuracy))

    @property
    def last_loss(self) -> float:
        """Mean loss of the steps added last; NaN before any."""
        if not self._parts or not self._parts[-1].shape[1]:
            return float("nan")
        loss, weight = self._parts[-1][:2]
        return _ratio(float(loss @ weight), float(weight.sum()))

    def history(self) -> History:
        """Everything so far; the last epoch may be cut short."""
        table = np.concatenate(self._parts, axis=1) if self._parts else np.empty((5, 0))
        loss, weight, rows, correct, rate = table
        starts = np.arange(0, table.shape[1], self._per_epoch)
        ends = np.minimum(starts + self._per_epoch, table.shape[1])
        totals = [np.add.reduceat(column, starts) if len(starts) else np.empty(0)
                  for column in (loss * weight, weight, correct, rows)]  # fmt: skip
        done, clock = np.array(self._marks).T
        validation = np.array(self._validation).reshape(-1, 2)[: len(starts)]
        checked = len(validation) > 0
        return History(
            loss=_ratios(totals[0], totals[1]),
            accuracy=_ratios(totals[2], totals[3]) if self._classifies else None,
            validation_loss=validation[:, 0] if checked else None,
            validation_accuracy=validation[:, 1] if checked and self._classifies else None,
            rate=rate[ends - 1],
            seconds=np.interp(ends, done, clock),
            step_loss=loss,
        )


def _ratio(total: float, weight: float) -> float:
    return total / weight if weight > 0 else 0.0


def _ratios(total: Curve, weight: Curve) -> Curve:
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
