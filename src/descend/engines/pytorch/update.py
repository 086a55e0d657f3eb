"""Update: torch.optim's own optimizers, with rate and decay set anew each step."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descend.engines.protocol import Array, State
from descend.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from descend.optimizers.slots import least_kept


class Updater:
    """Moves the parameters by their ``.grad``.

    parameters : by name, in order; each is a group of its own, so that each may have its own decay.
    state : full, as engines.state.checked_state returns it.
    """

    def __init__(self, optimizer: Optimizer, parameters: Mapping[str, Tensor], state: State) -> None:
        self._parameters = parameters
        self._optimizer, self._slots = optimizer, optimizer.slots
        dtype = state[next(iter(parameters))].dtype
        least = {slot: dtype.type(least_kept(optimizer, slot, dtype)) for slot in self._slots}
        # The largest magnitude that is set to 0, by slot.
        self._forgotten = {slot: float(np.nextafter(kept, dtype.type(0))) for slot, kept in least.items()}
        self._torch = _torch_optimizer(optimizer, parameters)
        self.updates = int(state["updates"])
        if self.updates > 0:
            for name, parameter in parameters.items():
                self._torch.state[parameter] = self._restored(name, parameter, state)

    def _restored(self, name: str, parameter: Tensor, state: State) -> dict[str, Tensor]:
        slots = {slot: torch.from_numpy(state[f"{slot}.{name}"]).to(parameter.device) for slot in self._slots}
        return slots | {"step": torch.tensor(float(self.updates))}

    def step(self, rate: float, decay: NDArray[np.float64]) -> None:
        """One update. decay : (parameters,) in their order."""
        for group, own_decay in zip(self._torch.param_groups, decay, strict=True):
            group["lr"] = rate
            group["weight_decay"] = float(own_decay)
            if isinstance(self._optimizer, Adam) and self._optimizer.eps_hat:
                corrected = 1.0 - self._optimizer.betas[1] ** (self.updates + 1)
                group["eps"] = self._optimizer.eps / math.sqrt(corrected)
        self._torch.step()
        self._forget()
        self.updates += 1

    def _forget(self) -> None:
        """Sets to 0 what has died away in the slots."""
        for slots in self._torch.state.values():
            for slot, most in self._forgotten.items():  # hardshrink: one pass, a tenth of masked_fill_'s time
                torch.hardshrink(slots[slot], most, out=slots[slot])

    def state(self) -> State:
        """Copies of the slots as ``slot.parameter``, zeros before the first update, and ``updates``."""
        copies: dict[str, Array] = {}
        for name, parameter in self._parameters.items():
            kept = self._torch.state.get(parameter, {})
            for slot in self._slots:
                array = kept.get(slot)
                array = torch.zeros_like(parameter) if array is None else array
                copies[f"{slot}.{name}"] = np.array(array.detach().cpu().numpy())
        return copies | {"updates": np.array(self.updates, np.int64)}


def _torch_optimizer(optimizer: Optimizer, parameters: Mapping[str, Tensor]) -> torch.optim.Optimizer:
    groups = [{"params": [parameter]} for parameter in parameters.values()]
    if isinstance(optimizer, SGD):
        return torch.optim.SGD(
            groups,
            lr=0.0,
            momentum=optimizer.momentum,
            dampening=optimizer.dampening,
            nesterov=optimizer.nesterov,
        )
    if isinstance(optimizer, RMSprop):
        return torch.optim.RMSprop(
            groups,
            lr=0.0,
            alpha=optimizer.alpha,
            eps=optimizer.eps,
            momentum=optimizer.momentum,
            centered=optimizer.centered,
        )
    assert isinstance(optimizer, Adam)
    kind = torch.optim.AdamW if isinstance(optimizer, AdamW) else torch.optim.Adam
    return kind(groups, lr=0.0, betas=optimizer.betas, eps=optimizer.eps, amsgrad=optimizer.amsgrad)
