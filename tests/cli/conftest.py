"""Runs the command in this process, as a shell would see it."""

from dataclasses import dataclass

import numpy as np
import pytest

from descend.cli.main import run


@dataclass
class Result:
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """``command("fit", "houses")`` in an empty folder → status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return call


@pytest.fixture
def flowers(tmp_path):
    """A CSV with Chinese headers: two numbers, a category, a yes/no and the class."""
    rng = np.random.default_rng(0)
    kinds = np.array(["菊", "玫瑰", "百合"])
    lines = ["花瓣长,花瓣宽,颜色,有刺,种类"]
    for i in range(150):
        kind = i % 3
        length, width = rng.normal(3 + kind, 0.3), rng.normal(1 + kind / 2, 0.2)
        colour = ["红", "白"][int(rng.random() < 0.5)]
        lines.append(f"{length:.2f},{width:.2f},{colour},{'是' if kind == 1 else '否'},{kinds[kind]}")
    path = tmp_path / "花 表.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
