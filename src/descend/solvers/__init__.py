"""Solvers that see all rows at once: ``exact`` for linear least squares."""
