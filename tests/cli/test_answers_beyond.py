"""The command names the line of a row whose answer is beyond the floating-point type, and answers nothing."""

import numpy as np
import pytest

import descend
from descend import Model
from descend.errors import DataError
from descend.models.file import FILE_NAME


def _fitted(tmp_path, target):
    lines = ["a,b,y", *(f"{i % 7},{i % 5},{target(i)}" for i in range(60))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    descend.fit(tmp_path / "t.csv", "y", hidden=(4,), epochs=1, out=tmp_path / "run")
    own = descend.load(tmp_path / "run")
    weights = {name: np.full_like(array, 1e30) for name, array in own.parameters.items()}
    Model(
        own.network, weights, classes=own.classes, encoder=own.encoder, target=own.target, about=own.about
    ).save(tmp_path / "run" / FILE_NAME)


@pytest.mark.parametrize("target", [lambda i: "xyz"[i % 3], lambda i: i + 0.5], ids=["classes", "numbers"])
def test_the_command_names_file_and_line(tmp_path, command, target):
    _fitted(tmp_path, target)
    (tmp_path / "new.csv").write_text("a,b,y\n" + f'1,1,{target(0)}\n1e30,"1e30",{target(1)}\n')
    for verb in ("predict", "evaluate"):
        told = command(verb, "run", "new.csv")
        assert told.status == 2
        assert told.out == ""
        assert "new.csv, line 3: the model's answer is beyond float32" in told.err
        assert len(told.err.strip().splitlines()) == 1
    with pytest.raises(DataError, match="the given table, row 1: the model's answer"):
        descend.load(tmp_path / "run").predict({"a": [1e30], "b": [1e30]})
