"""Whether classes can be told apart without an error, so that no finite coefficients are the best."""

from __future__ import annotations

import numpy as np

from descend.solvers.cross_entropy import CrossEntropyObjective, Point
from descend.solvers.design import Doubles

_SLACK = 1e-8  # of the largest margin, for rounding and for a direction not walked to its end


def separated(objective: CrossEntropyObjective, point: Point, direction: Doubles) -> bool:
    """Whether the scores of the point, or of a direction, put no row on the wrong side and some on the right.

    Then more of it lowers every loss for ever: A. Albert and J. Anderson, "On the existence of maximum
    likelihood estimates in logistic regression models", Biometrika 71, 1984. Newton's steps tend to such a
    direction where there is one.
    """
    worst, best = _margins(objective, point.scores)
    if worst > _SLACK * best > 0:
        return True
    worst, best = _margins(objective, objective.design.dot(direction))
    return best > 0 and worst > -_SLACK * best


def _margins(objective: CrossEntropyObjective, scores: Doubles) -> tuple[float, float]:
    """Least and greatest lead of a row's own class over another one; rows of weight 0 left out."""
    counted = objective.share > 0
    z, numbers = scores[counted], objective.numbers[counted]
    if objective.outputs == 1:
        leads = np.where(numbers == 1, z[:, 0], -z[:, 0])
        return float(leads.min()), float(leads.max())
    leads = np.take_along_axis(z, numbers[:, None], 1) - z
    others = np.arange(objective.outputs) != numbers[:, None]
    return float(leads[others].min()), float(leads[others].max())
