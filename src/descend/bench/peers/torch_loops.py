"""PyTorch: a loop written by hand for speed, and the loop that courses teach."""

from __future__ import annotations

from typing import Any

from descend.bench.contender import Peer, Predictor, Trainer
from descend.bench.workloads import Parameters, Workload, named_parameters


def _by_hand(work: Workload, threads: int) -> Trainer:
    """Rows permuted once an epoch and sliced, gradients by autograd, weights updated in place."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    x, y = _tensors(work)

    def loss(weights: list[Any], rows: Any, targets: Any) -> Any:
        z = rows
        for place in range(0, len(weights), 2):
            z = functional.linear(z, weights[place], weights[place + 1])
            if place + 2 < len(weights):
                z = functional.relu(z)
        if work.network.classifies:
            return functional.cross_entropy(z, targets)
        return 0.5 * functional.mse_loss(z, targets)

    def epochs(count: int) -> Parameters:
        weights = [
            torch.from_numpy(array.T.copy()).requires_grad_() for layer in work.layers for array in layer
        ]
        for _ in range(count):
            order = torch.randperm(len(x))
            xs, ys = x[order], y[order]
            for start in range(0, len(x), work.batch_size):
                end = start + work.batch_size
                gradients = torch.autograd.grad(loss(weights, xs[start:end], ys[start:end]), weights)
                with torch.no_grad():
                    for weight, gradient in zip(weights, gradients, strict=True):
                        weight.sub_(gradient, alpha=work.rate)
        arrays = [weight.detach().numpy().T for weight in weights]
        return named_parameters(list(zip(arrays[::2], arrays[1::2], strict=True)))

    return epochs


def _book(work: Workload, threads: int) -> Trainer:
    """DataLoader, nn.Sequential, optim.SGD."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_num_threads(threads)
    batches = DataLoader(TensorDataset(*_tensors(work)), work.batch_size, shuffle=True)
    cross_entropy, squares = nn.CrossEntropyLoss(), nn.MSELoss()

    def epochs(count: int) -> Parameters:
        model = _module(work)
        optimizer = torch.optim.SGD(model.parameters(), lr=work.rate)
        for _ in range(count):
            for x, y in batches:
                z = model(x)
                loss = cross_entropy(z, y) if work.network.classifies else 0.5 * squares(z, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        dense = [layer for layer in model if isinstance(layer, nn.Linear)]
        return named_parameters(
            [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in dense]
        )

    return epochs


def _one_row(work: Workload, threads: int) -> Predictor:
    """The bare module on a tensor of one row, (1, inputs), without gradients; its logits."""
    import torch

    torch.set_num_threads(threads)
    model = _module(work).eval()
    row = torch.from_numpy(work.floats[:1].copy())

    def predict() -> Any:
        with torch.inference_mode():
            return model(row)

    return predict


def _tensors(work: Workload) -> tuple[Any, Any]:
    """Rows and targets; numbers to predict as a column, (n, 1)."""
    import torch

    y = torch.from_numpy(work.y)
    return torch.from_numpy(work.floats), y if work.network.classifies else y[:, None]


def _module(work: Workload) -> Any:
    """An nn.Sequential with the workload's initial weights."""
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for weight, bias in work.layers:
        if layers:
            layers.append(nn.ReLU())
        dense = nn.Linear(*weight.shape)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(weight.T.copy()))
            dense.bias.copy_(torch.from_numpy(bias))
        layers.append(dense)
    return nn.Sequential(*layers)


BY_HAND = Peer(
    "pytorch", "torch",
    "tensors permuted once an epoch and sliced, autograd, updates in place; one row: the bare module",
    _by_hand, _one_row,
)  # fmt: skip
BOOK = Peer(
    "book", "torch",
    "DataLoader(TensorDataset, shuffle=True), nn.Sequential, optim.SGD",
    _book, lambda work, threads: None,
)  # fmt: skip
