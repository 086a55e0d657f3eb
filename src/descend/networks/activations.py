"""Activations a dense layer may end with: names, formulas, derivatives.

Derivatives at kinks are 0. ``relu`` passes NaN on. Softmax is no activation: it is part of the
cross-entropy loss, which works on logits.

Sources: D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016 (gelu and its tanh form);
torch.nn.Hardsigmoid for hard_sigmoid's slope of 1/6.
"""

from __future__ import annotations

from descend.errors import OptionError, choices

ACTIVATIONS: dict[str, str] = {
    "identity": "f(z) = z                      f'(z) = 1",
    "sigmoid": "f(z) = 1 / (1 + exp(−z))       f'(z) = f (1 − f)",
    "hard_sigmoid": "f(z) = clip(z/6 + ½, 0, 1)  f'(z) = 1/6 where −3 < z < 3, else 0",
    "tanh": "f(z) = tanh(z)                    f'(z) = 1 − f²",
    "relu": "f(z) = max(z, 0)                  f'(z) = 1 where z > 0, else 0",
    "gelu": "f(z) = z Φ(z)                     f'(z) = Φ(z) + z φ(z), Φ and φ of the standard normal",
    "gelu_tanh": "f(z) = ½ z (1 + tanh u)      u = √(2/π) (z + 0.044715 z³)",
}


def check_activation(name: object) -> str:
    """The name itself. Raises OptionError with the choices for an unknown one."""
    if name == "softmax":
        raise OptionError(
            "activation 'softmax' belongs to the loss: use a layer without activation "
            "and CrossEntropy(), which works on logits"
        )
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise OptionError(f"unknown activation {name!r}; {choices(name, ACTIVATIONS)}")
    return name
