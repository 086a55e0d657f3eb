"""JAX: an epoch is one compiled scan over its batches, on the CPU."""

from __future__ import annotations

from typing import Any

from descend.bench.contender import Peer, Predictor, Trainer
from descend.bench.workloads import Parameters, Workload, named_parameters


def _scan(work: Workload, threads: int) -> Trainer:
    """Data and weights stay on the device; the order is drawn and the rows are gathered in the scan."""
    import jax
    from jax import numpy as jnp

    _use_cpu()
    x, y = jnp.asarray(work.floats), jnp.asarray(work.y)
    rows, size = len(work.x), min(work.batch_size, len(work.x))
    full = rows // size

    def loss(layers: Any, chosen: Any) -> Any:
        z, targets = _outputs(layers, x[chosen]), y[chosen]
        if not work.network.classifies:
            return 0.5 * jnp.mean((z[:, 0] - targets) ** 2)
        right = jnp.take_along_axis(z, targets[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - right)

    def step(layers: Any, chosen: Any) -> tuple[Any, None]:
        gradients = jax.grad(loss)(layers, chosen)
        return jax.tree.map(lambda value, slope: value - work.rate * slope, layers, gradients), None

    def epoch(layers: Any, key: Any) -> Any:
        order = jax.random.permutation(key, rows)
        layers, _ = jax.lax.scan(step, layers, order[: full * size].reshape(full, size))
        return step(layers, order[full * size :])[0] if rows % size else layers

    compiled = jax.jit(epoch)

    def epochs(count: int) -> Parameters:
        layers = _on_device(work)
        for number in range(count):
            layers = compiled(layers, jax.random.key(number))
        return named_parameters(jax.block_until_ready(layers))

    return epochs


def _one_row(work: Workload, threads: int) -> Predictor:
    """A compiled function of weights and one row, (1, inputs), that are on the device; its logits."""
    import jax
    from jax import numpy as jnp

    _use_cpu()
    layers, row = _on_device(work), jnp.asarray(work.floats[:1])
    outputs = jax.jit(_outputs)
    return lambda: outputs(layers, row).block_until_ready()


def _outputs(layers: Any, z: Any) -> Any:
    from jax import numpy as jnp

    for place, (weight, bias) in enumerate(layers):
        z = z @ weight + bias
        if place + 1 < len(layers):
            z = jnp.maximum(z, 0)
    return z


def _on_device(work: Workload) -> Any:
    from jax import numpy as jnp

    return [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in work.layers]


def _use_cpu() -> None:
    import jax

    jax.config.update("jax_platforms", "cpu")


SCAN = Peer(
    "jax", "jax",
    "one compiled scan over an epoch, data and weights on the device, rows gathered inside; "
    "it takes the cores of the process, whatever --threads says",
    _scan, _one_row,
)  # fmt: skip
