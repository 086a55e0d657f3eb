"""The shape of the source tree."""

import re
from pathlib import Path

import descend

SOURCE = Path(descend.__file__).parent


def _modules():
    return list(SOURCE.rglob("*.py"))


def test_files_stay_short():
    long = {path.name: n for path in _modules() if (n := len(path.read_text("utf-8").splitlines())) > 320}
    assert not long


def test_protocol_stays_small():
    code = [line for line in (SOURCE / "engines/protocol.py").read_text("utf-8").splitlines() if line.strip()]
    assert len(code) < 100


def test_reference_engine_reads_like_a_textbook():
    for name in ("forward", "loss", "backward", "update"):
        lines = (SOURCE / f"engines/reference/{name}.py").read_text("utf-8").splitlines()
        assert len(lines) <= 150, name


def test_every_module_says_what_it_is_for():
    for path in _modules():
        first = path.read_text("utf-8").lstrip()
        assert first.startswith('"""'), path


def test_no_machine_paths_or_torch_imports_outside_their_place():
    for path in _modules():
        text = path.read_text("utf-8")
        assert not re.search(r"[\x22\x27](/home|/root|/tmp|/work)/", text), path
        if "pytorch" not in path.parts and path.name != "torch_loops.py":
            assert "import torch" not in text, path
