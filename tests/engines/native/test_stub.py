"""The committed stub says what the built extension offers, its layout aside."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import descend.engines.native as package

stubgen = pytest.importorskip("nanobind.stubgen", reason="nanobind, which writes stubs, is not installed")
_native = pytest.importorskip("descend.engines.native._native", reason="the extension is not built")


def declarations(source: str) -> list[str]:
    """Every statement but imports, whose order and grouping are the formatter's."""
    statements = ast.parse(source).body
    return [ast.unparse(node) for node in statements if not isinstance(node, ast.Import | ast.ImportFrom)]


def test_the_stub_fits_the_extension():
    writer = stubgen.StubGen(_native, include_private=True)
    writer.put(_native)
    committed = Path(package.__file__).with_name("_native.pyi").read_text(encoding="utf-8")
    assert declarations(writer.get()) == declarations(committed)
