"""The extension's look at an array for values that are not finite."""

from descend.engines.native._native import all_finite

__all__ = ["all_finite"]
