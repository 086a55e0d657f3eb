"""The command line: ``descend fit``, ``predict``, ``evaluate``, ``doctor``."""

from descend.cli.main import main

__all__ = ["main"]
