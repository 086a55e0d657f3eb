"""Solvers that see all rows at once: ``exact`` for linear least squares, ``lbfgs`` on an engine's gradient."""
