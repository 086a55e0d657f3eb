"""Whether the native engine can be used, for solvers that have NumPy in its place."""

from __future__ import annotations


def native_built() -> bool:
    """Whether descend was installed with its extension."""
    try:
        import descend.engines.native._native  # noqa: F401
    except ImportError:
        return False
    return True
