"""Tables that come along: real house sales, scikit-learn's bundled data, and a line with noise.

``houses`` is shipped with descend (``builtin/README.md`` says where it is from).
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import polars as pl

from descend.data.sources.csv_table import parse_csv
from descend.data.table import Table

NAMES = ("houses", "digits", "diabetes", "breast_cancer", "iris", "wine", "synthetic")
UNITS: dict[tuple[str, str | None], str] = {("houses", "price"): "$"}
_NAMED_CLASSES = ("breast_cancer", "iris", "wine")


def read_built_in(name: str) -> tuple[Table, str]:
    """One of ``NAMES`` and its target's column."""
    if name == "houses":
        data = resources.files("descend.data").joinpath("builtin", "houses.csv").read_bytes()
        return parse_csv(data, "houses"), "price"
    return (synthetic() if name == "synthetic" else _from_sklearn(name)), "target"


def synthetic(rows: int = 1000) -> Table:
    """y = Xw + b + noise with w = [2, −3.4], b = 4.2; X (rows, 2) standard normal, noise 0.01 of that."""
    generator = np.random.Generator(np.random.Philox(0))
    x = generator.standard_normal((rows, 2))
    noise = 0.01 * generator.standard_normal(rows)
    target = 2.0 * x[:, 0] - 3.4 * x[:, 1] + 4.2 + noise
    return Table(pl.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "target": target}), "synthetic")


def _from_sklearn(name: str) -> Table:
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    columns = {str(column): bunch.data[:, place] for place, column in enumerate(bunch.feature_names)}
    target: Any = bunch.target
    if name in _NAMED_CLASSES:
        target = bunch.target_names[bunch.target].tolist()
    return Table(pl.DataFrame({**columns, "target": target}), name)
