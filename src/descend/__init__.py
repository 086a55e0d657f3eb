"""descend trains the networks deep learning begins with, on your own tables and images.

The names below are the public ones; each is imported when it is first used, so that ``import descend``
stays cheap.
"""

from __future__ import annotations

import importlib

_HOMES = {
    "descend.networks": (
        "AbsoluteError",
        "BinaryCrossEntropy",
        "CrossEntropy",
        "Dense",
        "Dropout",
        "Huber",
        "Network",
        "Poisson",
        "Quantile",
        "SquaredError",
    ),
    "descend.optimizers": ("SGD", "Adam", "AdamW", "RMSprop"),
    "descend.training": ("Training", "train", "train_many"),
    "descend.models": ("Model", "load"),
    "descend.workflow": ("fit",),
    "descend.estimators.linear_regression": ("LinearRegression",),
    "descend.estimators.logistic_regression": ("LogisticRegression",),
    "descend.estimators.mlp_classifier": ("MLPClassifier",),
    "descend.estimators.mlp_regressor": ("MLPRegressor",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {"errors": "descend.errors", "schedules": "descend.optimizers.schedules"}

__all__ = [
    "SGD",
    "AbsoluteError",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Dense",
    "Dropout",
    "Huber",
    "LinearRegression",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "Model",
    "Network",
    "Poisson",
    "Quantile",
    "RMSprop",
    "SquaredError",
    "Training",
    "errors",
    "fit",
    "load",
    "schedules",
    "train",
    "train_many",
]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    elif name == "__version__":
        value = _version()
    else:
        raise AttributeError(f"module 'descend' has no attribute {name!r}")
    globals()[name] = value
    return value


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # costs as much as all the rest

    try:
        return version("descend")
    except PackageNotFoundError:  # used from a source tree that is not installed
        return "0+unknown"


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
