"""Loss in torch: every row's weighted loss, and the sums that engines.protocol.Chunk reports."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    Poisson,
    Quantile,
    RegressionLoss,
    SquaredError,
)


@dataclass(frozen=True, slots=True)
class LossTerms:
    """A batch's loss in parts.

    weighted : weight · loss, a row or a cell at a time, with its autograd graph.
    sums : (4,) float64: Σ weighted, the mean's divisor, Σ own weights, own weights of the right rows.
    """

    weighted: Tensor
    sums: Tensor


def loss_terms(loss: Loss, z: Tensor, y: Tensor, weight: Tensor) -> LossTerms:
    """Loss of outputs z (n, outputs) against targets y with row weights (n,)."""
    if isinstance(loss, CrossEntropy):
        return _cross_entropy(loss, z, y, weight)
    if isinstance(loss, BinaryCrossEntropy):
        return _binary_cross_entropy(loss, z, y, weight)
    share = weight[:, None] / z.shape[1]  # means over the target columns
    return _terms(_regression(loss, z, y) * share, weight, weight, torch.zeros_like(weight))


def _regression(loss: RegressionLoss, z: Tensor, y: Tensor) -> Tensor:
    if isinstance(loss, SquaredError):
        return 0.5 * functional.mse_loss(z, y, reduction="none")
    if isinstance(loss, AbsoluteError):
        return functional.l1_loss(z, y, reduction="none")
    if isinstance(loss, Quantile):  # relu, for its derivative at 0 is 0
        return loss.level * functional.relu(y - z) + (1 - loss.level) * functional.relu(z - y)
    if isinstance(loss, Poisson):
        return functional.poisson_nll_loss(z, y, log_input=True, full=False, reduction="none")
    return functional.huber_loss(z, y, reduction="none", delta=loss.delta)


def _cross_entropy(loss: CrossEntropy, z: Tensor, y: Tensor, weight: Tensor) -> LossTerms:
    class_weight = None
    divisor = weight
    if loss.class_weight is not None:
        class_weight = torch.tensor(loss.class_weight, dtype=z.dtype, device=z.device)
        divisor = weight * class_weight[y]
    values = functional.cross_entropy(
        z, y, weight=class_weight, reduction="none", label_smoothing=loss.label_smoothing
    )
    right = (z.argmax(dim=1) == y).to(z.dtype)
    return _terms(values * weight, divisor, weight, weight * right)


def _binary_cross_entropy(loss: BinaryCrossEntropy, z: Tensor, y: Tensor, weight: Tensor) -> LossTerms:
    zero, one = loss.class_weight or (1.0, 1.0)
    factor = torch.full_like(y, zero).masked_fill(y > 0.5, one)
    share = weight[:, None] * factor / z.shape[1]
    q = (1 - loss.label_smoothing) * y + loss.label_smoothing / 2
    # binary_cross_entropy_with_logits subtracts numbers near |z| and loses the digits of small losses.
    values = -q * functional.logsigmoid(z) - (1 - q) * functional.logsigmoid(-z)
    right = ((z > 0) == (y > 0.5)).to(z.dtype).mean(dim=1)
    return _terms(values * share, share, weight, weight * right)


def expected_target(loss: Loss, z: Tensor) -> Tensor:
    """What outputs z say of the target: probabilities, expected counts, or z itself, (n, outputs)."""
    if isinstance(loss, CrossEntropy):
        return torch.softmax(z, dim=1)
    if isinstance(loss, BinaryCrossEntropy):
        return torch.sigmoid(z)
    return torch.exp(z) if isinstance(loss, Poisson) else z


def _terms(weighted: Tensor, divisor: Tensor, own: Tensor, correct: Tensor) -> LossTerms:
    parts = (weighted.detach(), divisor, own, correct)
    return LossTerms(weighted, torch.stack([part.sum(dtype=torch.float64) for part in parts]))
