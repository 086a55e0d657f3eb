"""Solvers that see all rows at once: ``exact`` for least squares, ``lbfgs`` on an engine's gradient."""
