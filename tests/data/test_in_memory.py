"""Tables, arrays and images in memory: what is taken, and what is refused by its name."""

from __future__ import annotations

import pytest

import descend
from descend.data import sources


@pytest.mark.parametrize(
    "name", ["count", "word", "class", "rows", "len", "literal", "index", "column_0", "", "x=1"]
)
def test_a_column_or_target_may_have_any_name(name: str) -> None:
    cells, numbers = ["u", "v", "w"] * 8, [0.5, 1.5, 2.5, 3.5] * 6
    assert sources.read({name: cells, "y": numbers}, target="y").features[0].kind == "category"
    assert descend.fit({name: cells, "y": numbers}, "y", epochs=1).model.encoder.feature_names[:3] == (
        f"{name}=u", f"{name}=v", f"{name}=w",
    )  # fmt: skip
    assert descend.fit({name: cells, "n": numbers}, name, epochs=1).model.classes.tolist() == ["u", "v", "w"]
