"""What the fits of a perceptron leave behind."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from descend.engines.protocol import State


@dataclass(slots=True)
class Record:
    """What a fit leaves behind for the attributes, and for the next fit that goes on from it.

    rate, declared_rate : learning rate reached, and ``learning_rate_init`` it came from.
    first_loss : the engine's, of the very first step with a positive weight.
    idle : epochs since the last improvement by more than ``tol``.
    state : the program's, to go on from.  best : parameters of the best validation score.
    slots : of the optimizer whose state it is.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    training_scores: list[float] = field(default_factory=list)
    first_loss: float | None = None
    best_loss: float = math.inf
    best_score: float = -math.inf
    idle: int = 0
    rows_seen: int = 0
    epochs: int = 0
    steps: int = 0
    rate: float = 0.0
    declared_rate: float = 0.0
    state: State | None = None
    best: State | None = None
    slots: tuple[str, ...] = ()

    def undone_by(self) -> Callable[[], Record]:
        """What gives this record back as it is now, whatever a fit that fails has added to it."""
        kept = dataclasses.replace(self)
        curves = (self.loss_curve, self.validation_losses, self.validation_scores, self.training_scores)
        lengths = [len(curve) for curve in curves]

        def undo() -> Record:
            for curve, length in zip(curves, lengths, strict=True):
                del curve[length:]
            return kept

        return undo
