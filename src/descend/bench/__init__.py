"""``descend bench``: descend timed beside what is installed, in one process, on the same work."""

from descend.bench.measure import Settings, measure

__all__ = ["Settings", "measure"]
