"""Small dense systems: rank by singular values, the solution of least length where it is not unique."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
_WELL = 1e-6  # smallest singular value over the largest down to which corrections make up for a square
_MOST_CORRECTIONS = 10


@dataclass(frozen=True)
class Solved:
    """solution : (p, t).  singular_values : (min(m, p),) descending.  rank : those that count."""

    solution: Doubles
    singular_values: Doubles
    rank: int


def r_factor(a: Doubles) -> Doubles:
    """R of the QR factorization of a (m, n): (min(m, n), n)."""
    return np.asarray(np.linalg.qr(a, mode="r"))


def substitute(R: Doubles, b: Doubles, *, transposed: bool = False) -> Doubles:
    """``R⁻¹·b``, or ``R⁻ᵀ·b``; R (k, k) upper triangular with nothing 0 on its diagonal, b (k, t).

    BLAS's trsm: LAPACK's trtrs, behind ``scipy.linalg.solve_triangular``, wakes threads for a few columns and
    then waits milliseconds for them where another process keeps a core busy.
    """
    from scipy.linalg.blas import dtrsm

    return np.asarray(dtrsm(1.0, R, b, trans_a=int(transposed)))


def solve(a: Doubles, b: Doubles, units: Doubles, tolerance: float) -> Solved:
    """Minimises ``‖b − a·g‖``, and where that leaves a choice ``‖g / units‖``.

    a : (m, p), columns no longer than about 1.  b : (m, t).  units : (p,), at least 0.
    Singular values of at most ``tolerance · max(1, the largest)`` are taken for 0.
    """
    from scipy.linalg import svd

    if not a.size:
        return Solved(np.zeros((a.shape[1], b.shape[1])), np.zeros(0), 0)
    wide = a.shape[0] < a.shape[1]
    values = svd(r_factor(a.T) if wide else a, compute_uv=False)
    rank = int(np.count_nonzero(values > tolerance * max(1.0, values[0])))
    if rank == 0:
        return Solved(np.zeros((a.shape[1], b.shape[1])), values, rank)
    if rank == a.shape[0] and wide and values[-1] * units.min() > _WELL * values[0] * units.max():
        return Solved(_shortest_fit(a, b, units), values, rank)
    if rank < a.shape[1]:
        return Solved(_shortest(a, b, units, rank), values, rank)
    both = np.hstack([a, b])
    if np.tril(a, -1).any():
        both = r_factor(both)
    return Solved(substitute(both[:rank, :rank], both[:rank, rank:]), values, rank)


def _shortest_fit(a: Doubles, b: Doubles, units: Doubles) -> Doubles:
    """Of all g with ``a·g = b`` the one with the shortest ``g / units``, a having independent rows.

    That is ``units²·aᵀ·y`` with ``(a·units²·aᵀ)·y = b``: solved by Cholesky, whose squared condition
    corrections make up for (Å. Björck, "Numerical Methods for Least Squares Problems", 1996, section 6.6).
    """
    from scipy.linalg.lapack import dpotrf, dpotrs

    rows = a * (units / units.max())
    factor, _ = dpotrf(rows @ rows.T, lower=1)
    found, rest = np.zeros((a.shape[1], b.shape[1])), b
    for _ in range(_MOST_CORRECTIONS):
        corrected = found + rows.T @ dpotrs(factor, rest, lower=1)[0]
        left = b - rows @ corrected
        if not np.linalg.norm(left) < np.linalg.norm(rest) / 2:
            break
        found, rest = corrected, left
    return found * (units / units.max())[:, None]


def _shortest(a: Doubles, b: Doubles, units: Doubles, rank: int) -> Doubles:
    """With ``a = U·S·Vᵀ`` cut at the rank: ``g / units`` in the span of ``units·V`` is the shortest."""
    from scipy.linalg import svd

    u, values, vt = svd(a, full_matrices=False)
    u, values, v = u[:, :rank], values[:rank, None], vt[:rank].T
    basis, mixing = np.linalg.qr(units[:, None] * v)
    sizes = np.abs(np.diagonal(mixing))
    coordinates = u.T @ b / values
    if sizes.min() <= np.finfo(np.float64).eps * sizes.max():  # too far apart to be told in these units
        return v @ coordinates
    shortest = units[:, None] * (basis @ substitute(mixing, coordinates, transposed=True))
    # Rounding in the units of one column may be much in those of another: the fit itself is made exact again.
    return shortest + v @ (u.T @ (b - a @ shortest) / values)
